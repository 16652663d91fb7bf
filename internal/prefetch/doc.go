// Package prefetch asks the processor for memory that will be needed soon. A prefetch is a hint: it
// never fails, whatever the address, and no program notices it but by its speed. The functions are
// in assembly, because Go has no prefetch. On other processors than amd64 and arm64 they do
// nothing.
package prefetch
