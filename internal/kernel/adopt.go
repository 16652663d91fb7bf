package kernel

import (
	"fmt"
	"os"
	"syscall"
)

// A Found is what Find has found out about a socket that was made elsewhere.
type Found struct {
	Family, Type int
	Local, Peer  Addr
	Connected    bool // it has a peer
	Listening    bool
}

// Find examines a descriptor. It changes nothing, because other processes may share the socket. Its
// error names the descriptor and the reason.
func Find(k Kernel, fd int) (f Found, err error) {
	if fd != int(int32(fd)) {
		return f, fmt.Errorf("descriptor %d is not open: %w", fd, EBADF)
	}
	var e Errno
	switch f.Type, e = k.GetOpt(fd, SOL_SOCKET, SO_TYPE); {
	case e == EBADF:
		return f, fmt.Errorf("descriptor %d is not open: %w", fd, e)
	case e != 0:
		return f, fmt.Errorf("descriptor %d is no socket: %w", fd, e)
	}
	if f.Local, e = k.LocalAddr(fd); e != 0 {
		return f, fmt.Errorf("descriptor %d has no local address: %w", fd, e)
	}
	if f.Family = f.Local.Family; f.Family == 0 {
		return f, fmt.Errorf("descriptor %d is a socket of a family other than AF_INET, AF_INET6 and AF_UNIX: %w", fd, EAFNOSUPPORT)
	}
	f.Peer, e = k.PeerAddr(fd)
	f.Connected = e == 0
	v, e := k.GetOpt(fd, SOL_SOCKET, SO_ACCEPTCONN)
	f.Listening = e == 0 && v != 0
	return f, nil
}

// Take makes the descriptor non-blocking and close-on-exec, as Socket does. Call it after Find. A
// descriptor of a simulated kernel always has both flags.
func Take(k Kernel, fd int) Errno {
	if _, simulated := k.(Dated); simulated {
		return 0
	}
	return Adopt(fd)
}

// DupOf returns a duplicate of the descriptor of x, which is a connection or a file.
func DupOf(k Kernel, x any) (fd int, err error) {
	s, ok := x.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%T has no method SyscallConn: pass the connection below it", x)
	}
	rc, err := s.SyscallConn()
	if err != nil {
		return -1, err
	}
	var e Errno
	if err := rc.Control(func(n uintptr) { fd, e = Dup(k, int(n)) }); err != nil {
		return -1, err
	}
	if e != 0 {
		return -1, os.NewSyscallError("dup", e)
	}
	return fd, nil
}
