// Package otelmetrics contains a Producer for the SDK of OpenTelemetry, with the metrics of package
// metrics. It is a separate module, so only programs that use OpenTelemetry download it.
package otelmetrics
