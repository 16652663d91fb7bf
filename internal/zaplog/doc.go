// Package zaplog writes log entries to a zapcore.Core, or through such a Core to a slog.Handler. A
// Limit bounds how many entries are written.
//
// This package replaces zap's root package, which imports net/http and crypto/tls. A program that
// imports package reactor should not have to link those packages.
package zaplog
