// Package restart has black-box tests that end and replace servers under load. Each server is a
// process: this test binary again.
package restart
