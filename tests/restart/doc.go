// Package restart has black-box tests that end and replace servers under load. Each server is a
// process that runs this test binary again.
package restart
