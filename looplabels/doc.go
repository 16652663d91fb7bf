// Package looplabels names callbacks in profiles and execution traces. Package reactor does not
// import runtime/pprof and runtime/trace; this one does.
package looplabels
