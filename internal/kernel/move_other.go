//go:build !linux

package kernel

// SendFile returns ENOSYS, so the caller copies the bytes itself.
func SendFile(k Kernel, socket, file int, offset *int64, n int) (int, Errno) { return 0, ENOSYS }

// Splice returns ENOSYS, so the caller copies the bytes itself.
func Splice(k Kernel, from, to, n int) (int, Errno) { return 0, ENOSYS }

// PipeSize is not used on this system.
const PipeSize = 1 << 20

// Pipe returns ENOSYS, because only Splice would need the pipe.
func Pipe(k Kernel) (r, w int, e Errno) { return -1, -1, ENOSYS }

func Nonblocking(int) bool { return true }
