// Package prefetch asks the processor to load memory into its cache, because the memory will be
// needed soon. A prefetch is a hint: it cannot fail, whatever the address, and changes nothing but
// the speed. The functions are in assembly, because Go has no prefetch. They exist for amd64 and
// arm64. On other processors they do nothing. Its tests are in reactor.
package prefetch

// Line is the size of a cache line in bytes.
const Line = 64
