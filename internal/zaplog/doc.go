// Package zaplog writes log entries to a zapcore.Core, or through one to a slog.Handler. A Limit
// bounds how many.
//
// It stands in for zap's root package, which imports net/http and crypto/tls. A program that
// imports package reactor must not have to link those for a log line.
package zaplog
