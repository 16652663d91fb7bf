// Package otelmetrics is a Producer for OpenTelemetry's SDK with the metrics of package metrics. It
// is a module of its own, so only programs that use OpenTelemetry download it.
package otelmetrics
