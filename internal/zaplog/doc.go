// Package zaplog writes log entries to a zapcore.Core, or through a Core to a slog.Handler. A Limit
// bounds how many entries are written.
//
// It replaces zap's root package, which imports net/http and crypto/tls. A program that imports
// package reactor should not link those for a log line.
package zaplog
