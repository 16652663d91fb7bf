// Package inspector is package inspect without net/http, which would make cmd/echo 0.5 MB larger:
// it answers requests that somebody else has read.
package inspector
