package sim

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// errnos contains the error numbers that calls can return. The index of an error in the list is the
// same on every system.
var errnos = []struct {
	e    Errno
	name string
}{
	{kernel.EAGAIN, "EAGAIN"}, {kernel.EINPROGRESS, "EINPROGRESS"}, {kernel.EINTR, "EINTR"}, {kernel.EBADF, "EBADF"},
	{kernel.ECONNRESET, "ECONNRESET"}, {kernel.ECONNREFUSED, "ECONNREFUSED"}, {kernel.EPIPE, "EPIPE"}, {kernel.ETIMEDOUT, "ETIMEDOUT"},
	{kernel.ENOTCONN, "ENOTCONN"}, {kernel.EINVAL, "EINVAL"}, {kernel.EMFILE, "EMFILE"}, {kernel.ENFILE, "ENFILE"},
	{kernel.ENOBUFS, "ENOBUFS"}, {kernel.ENOMEM, "ENOMEM"}, {kernel.ECONNABORTED, "ECONNABORTED"}, {kernel.EPERM, "EPERM"},
	{kernel.EPROTO, "EPROTO"}, {kernel.EADDRINUSE, "EADDRINUSE"}, {kernel.EADDRNOTAVAIL, "EADDRNOTAVAIL"},
	{kernel.EAFNOSUPPORT, "EAFNOSUPPORT"}, {kernel.EALREADY, "EALREADY"}, {kernel.EISCONN, "EISCONN"}, {kernel.EEXIST, "EEXIST"},
	{kernel.ENOENT, "ENOENT"}, {kernel.EHOSTUNREACH, "EHOSTUNREACH"}, {kernel.ENETUNREACH, "ENETUNREACH"},
	{kernel.EMSGSIZE, "EMSGSIZE"}, {kernel.EDESTADDRREQ, "EDESTADDRREQ"}, {kernel.ENOPROTOOPT, "ENOPROTOOPT"},
	{kernel.EOPNOTSUPP, "EOPNOTSUPP"}, {kernel.EPROTONOSUPPORT, "EPROTONOSUPPORT"}, {kernel.ENAMETOOLONG, "ENAMETOOLONG"},
	{kernel.ECANCELED, "ECANCELED"}, {kernel.ENOSYS, "ENOSYS"}, {kernel.ELOOP, "ELOOP"}, {kernel.EIO, "EIO"}, {kernel.ENOSPC, "ENOSPC"},
}

// errnoCode returns 0 for no error, and 255 for an error that is not in the list.
func errnoCode(e Errno) int {
	if e == 0 {
		return 0
	}
	for i := range errnos {
		if errnos[i].e == e {
			return i + 1
		}
	}
	return 255
}

// ErrnoName returns the name of an error, such as EAGAIN.
func ErrnoName(e Errno) string {
	if c := errnoCode(e); c > 0 && c < 255 {
		return errnos[c-1].name
	}
	return fmt.Sprintf("errno %d", int(e))
}
