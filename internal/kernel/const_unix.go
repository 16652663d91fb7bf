//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import "golang.org/x/sys/unix"

// Errno is the number of an error; 0 is success. It is what the system call gave, unboxed.
type Errno = unix.Errno

// The host's numbers.
const (
	AF_INET   = unix.AF_INET
	AF_INET6  = unix.AF_INET6
	AF_UNIX   = unix.AF_UNIX
	AF_UNSPEC = unix.AF_UNSPEC

	SOCK_STREAM = unix.SOCK_STREAM
	SOCK_DGRAM  = unix.SOCK_DGRAM
	SOCK_RAW    = unix.SOCK_RAW

	SOL_SOCKET   = unix.SOL_SOCKET
	SO_REUSEADDR = unix.SO_REUSEADDR
	SO_REUSEPORT = unix.SO_REUSEPORT
	SO_BROADCAST = unix.SO_BROADCAST
	SO_KEEPALIVE = unix.SO_KEEPALIVE
	SO_LINGER    = unix.SO_LINGER
	SO_ERROR     = unix.SO_ERROR
	SO_TYPE      = unix.SO_TYPE
	SO_SNDBUF    = unix.SO_SNDBUF
	SO_RCVBUF    = unix.SO_RCVBUF
	SOMAXCONN    = unix.SOMAXCONN

	IPPROTO_IP   = unix.IPPROTO_IP
	IPPROTO_TCP  = unix.IPPROTO_TCP
	IPPROTO_UDP  = unix.IPPROTO_UDP
	IPPROTO_IPV6 = unix.IPPROTO_IPV6
	IPV6_V6ONLY  = unix.IPV6_V6ONLY
	TCP_NODELAY  = unix.TCP_NODELAY

	MSG_PEEK     = unix.MSG_PEEK
	MSG_DONTWAIT = unix.MSG_DONTWAIT
	MSG_TRUNC    = unix.MSG_TRUNC

	SHUT_RD   = unix.SHUT_RD
	SHUT_WR   = unix.SHUT_WR
	SHUT_RDWR = unix.SHUT_RDWR
)

const (
	EAGAIN          = unix.EAGAIN
	EALREADY        = unix.EALREADY
	EADDRINUSE      = unix.EADDRINUSE
	EAFNOSUPPORT    = unix.EAFNOSUPPORT
	EBADF           = unix.EBADF
	ECANCELED       = unix.ECANCELED
	ECONNABORTED    = unix.ECONNABORTED
	ECONNREFUSED    = unix.ECONNREFUSED
	ECONNRESET      = unix.ECONNRESET
	EDEADLK         = unix.EDEADLK
	EEXIST          = unix.EEXIST
	EHOSTUNREACH    = unix.EHOSTUNREACH
	EINPROGRESS     = unix.EINPROGRESS
	EINTR           = unix.EINTR
	EINVAL          = unix.EINVAL
	EISCONN         = unix.EISCONN
	EMFILE          = unix.EMFILE
	EMSGSIZE        = unix.EMSGSIZE
	ENAMETOOLONG    = unix.ENAMETOOLONG
	EHOSTDOWN       = unix.EHOSTDOWN
	ENETDOWN        = unix.ENETDOWN
	ENETUNREACH     = unix.ENETUNREACH
	ENFILE          = unix.ENFILE
	ENOBUFS         = unix.ENOBUFS
	ENOENT          = unix.ENOENT
	ENOMEM          = unix.ENOMEM
	ENOPROTOOPT     = unix.ENOPROTOOPT
	ENOSYS          = unix.ENOSYS
	ENOTCONN        = unix.ENOTCONN
	ENOTSUP         = unix.ENOTSUP
	EOPNOTSUPP      = unix.EOPNOTSUPP
	EPERM           = unix.EPERM
	EPIPE           = unix.EPIPE
	EPROTO          = unix.EPROTO
	EPROTONOSUPPORT = unix.EPROTONOSUPPORT
	ETIMEDOUT       = unix.ETIMEDOUT
)
