package kernel

// silence has nothing to do: each send carries noSignal.
func silence(int) {}

// Unsent is not to be had here.
func (*host) Unsent(int) (int, Errno) { return 0, ENOTSUP }
