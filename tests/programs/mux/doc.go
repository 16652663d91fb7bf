// Package mux runs hashicorp/yamux: 100 streams, keep-alive and deadlines.
package mux
