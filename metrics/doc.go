// Package metrics writes what reactors measure: as OpenMetrics, as Prometheus's text format, and as
// a value for package expvar. It imports no HTTP server and no client library.
//
// The modules metrics/promcollect and metrics/otelmetrics have a Collector for
// prometheus/client_golang and a Producer for OpenTelemetry.
package metrics
