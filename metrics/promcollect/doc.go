// Package promcollect is a Collector for prometheus/client_golang with the metrics of package
// metrics. It is a module of its own, so only programs that use client_golang download it.
package promcollect
