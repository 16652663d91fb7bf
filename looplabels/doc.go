// Package looplabels shows the names of callbacks in profiles and execution traces. It is a
// separate package because package reactor does not import runtime/pprof and runtime/trace.
package looplabels
