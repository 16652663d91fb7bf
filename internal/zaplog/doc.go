// Package zaplog writes log entries to a zapcore.Core, or through one to a slog.Handler.
//
// It stands in for zap's root package, which imports net/http and crypto/tls. Whoever imports
// package reactor must not have to link those for the sake of a log line.
package zaplog
