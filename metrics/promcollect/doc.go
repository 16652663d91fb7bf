// Package promcollect contains a Collector for prometheus/client_golang, with the metrics of
// package metrics. It is a separate module, so only programs that use client_golang download it.
package promcollect
