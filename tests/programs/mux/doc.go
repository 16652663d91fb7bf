// Package mux runs hashicorp/yamux: 100 streams, keep-alive, deadlines.
package mux
