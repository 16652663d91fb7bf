package kernel

// silence has nothing to do: each send carries noSignal.
func silence(int) {}

// Unsent is not available on this system.
func (*host) Unsent(int) (int, Errno) { return 0, ENOTSUP }
