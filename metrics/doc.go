// Package metrics writes the measurements of reactors: as OpenMetrics, in Prometheus's text format,
// and as a variable for package expvar. It imports no HTTP server and no client library.
//
// The modules metrics/promcollect and metrics/otelmetrics contain a Collector for
// prometheus/client_golang and a Producer for OpenTelemetry.
package metrics
