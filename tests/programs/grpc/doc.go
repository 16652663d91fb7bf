// Package grpc runs grpc-go: unary and streaming calls, deadlines, keep-alive, GracefulStop, plain
// and TLS.
package grpc
