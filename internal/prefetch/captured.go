package prefetch

import "unsafe"

// Captured prefetches what the first two captured variables of the closure f point to. f may be
// nil. A closure is the address of its code and then the captured variables, which the language
// does not guarantee. So these are only hints too. A closure with fewer variables makes Captured
// read the memory behind it, but only in the same page, which is mapped.
func Captured(f unsafe.Pointer) {
	const page, words = 4096, 3
	if f == nil || uintptr(f)%page > page-words*unsafe.Sizeof(uintptr(0)) {
		return
	}
	w := (*[words]uintptr)(f)
	Lines(w[1], 1)
	Lines(w[2], 1)
}
