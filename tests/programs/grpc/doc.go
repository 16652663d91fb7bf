// Package grpc runs grpc-go: unary and streaming calls, deadlines, keep-alive, and GracefulStop,
// without TLS and with TLS.
package grpc
