//go:build !linux

package kernel

// SendFile is not available: the caller copies.
func SendFile(k Kernel, socket, file int, offset *int64, n int) (int, Errno) { return 0, ENOSYS }

// Splice is not available: the caller copies.
func Splice(k Kernel, from, to, n int) (int, Errno) { return 0, ENOSYS }

// PipeSize has no meaning here.
const PipeSize = 1 << 20

// Pipe is not available: only Splice needs it.
func Pipe(k Kernel) (r, w int, e Errno) { return -1, -1, ENOSYS }

func Nonblocking(int) bool { return true }
