package kernel

// silence does nothing, because each send passes noSignal.
func silence(int) {}

// Unsent returns ENOTSUP: this system cannot report the number.
func (*host) Unsent(int) (int, Errno) { return 0, ENOTSUP }
