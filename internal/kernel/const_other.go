//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

import "strconv"

// An Errno is the number of an error; 0 is success. The numbers are Linux's, here and below: this system has no kernel
// of its own for them, a simulated one has.
type Errno uintptr

func (e Errno) Error() string {
	if s, ok := errnoText[e]; ok {
		return s
	}
	return "errno " + strconv.Itoa(int(e))
}

// Timeout tells whether the error says to try again, as it does for package syscall's.
func (e Errno) Timeout() bool { return e == EAGAIN || e == ETIMEDOUT }

// Temporary is there for the interfaces that ask for it.
func (e Errno) Temporary() bool { return e == EINTR || e == EMFILE || e == ENFILE || e.Timeout() }

const (
	AF_INET   = 2
	AF_INET6  = 10
	AF_UNIX   = 1
	AF_UNSPEC = 0

	SOCK_STREAM = 1
	SOCK_DGRAM  = 2
	SOCK_RAW    = 3

	SOCK_SEQPACKET = 5

	SOL_SOCKET   = 1
	SO_REUSEADDR = 2
	SO_REUSEPORT = 15
	SO_BROADCAST = 6
	SO_KEEPALIVE = 9
	SO_LINGER    = 13
	SO_ERROR     = 4
	SO_TYPE      = 3
	SO_SNDBUF    = 7
	SO_RCVBUF    = 8
	SOMAXCONN    = 4096

	SO_ACCEPTCONN = 30
	SO_DONTROUTE  = 5
	SO_OOBINLINE  = 10
	SO_RCVLOWAT   = 18
	SO_SNDLOWAT   = 19
	SO_RCVTIMEO   = 20
	SO_SNDTIMEO   = 21

	IPPROTO_IP   = 0
	IPPROTO_TCP  = 6
	IPPROTO_UDP  = 17
	IPPROTO_IPV6 = 41
	IPV6_V6ONLY  = 26
	TCP_NODELAY  = 1
	TCP_MAXSEG   = 2

	IPPROTO_ICMP   = 1
	IPPROTO_ICMPV6 = 58
	IPPROTO_RAW    = 255

	IP_ADD_MEMBERSHIP  = 35
	IP_DROP_MEMBERSHIP = 36
	IP_MULTICAST_IF    = 32
	IP_MULTICAST_LOOP  = 34
	IP_MULTICAST_TTL   = 33
	IP_TOS             = 1
	IP_TTL             = 2
	IP_RECVLOCAL       = 8

	IPV6_JOIN_GROUP     = 20
	IPV6_LEAVE_GROUP    = 21
	IPV6_MULTICAST_HOPS = 18
	IPV6_MULTICAST_IF   = 17
	IPV6_MULTICAST_LOOP = 19
	IPV6_UNICAST_HOPS   = 16
	IPV6_RECVPKTINFO    = 49

	MSG_OOB       = 0x1
	MSG_PEEK      = 0x2
	MSG_DONTROUTE = 0x4
	MSG_DONTWAIT  = 0x40
	MSG_TRUNC     = 0x20
	MSG_WAITALL   = 0x100

	SHUT_RD   = 0
	SHUT_WR   = 1
	SHUT_RDWR = 2
)

const (
	EAGAIN          Errno = 11
	EALREADY        Errno = 114
	EACCES          Errno = 13
	EADDRINUSE      Errno = 98
	EADDRNOTAVAIL   Errno = 99
	EAFNOSUPPORT    Errno = 97
	EBADF           Errno = 9
	ECANCELED       Errno = 125
	ECONNABORTED    Errno = 103
	ECONNREFUSED    Errno = 111
	ECONNRESET      Errno = 104
	EDEADLK         Errno = 35
	EDESTADDRREQ    Errno = 89
	EEXIST          Errno = 17
	EFAULT          Errno = 14
	EHOSTUNREACH    Errno = 113
	EINPROGRESS     Errno = 115
	EINTR           Errno = 4
	EINVAL          Errno = 22
	EISCONN         Errno = 106
	ELOOP           Errno = 40
	EMFILE          Errno = 24
	EMSGSIZE        Errno = 90
	ENAMETOOLONG    Errno = 36
	ENETDOWN        Errno = 100
	EHOSTDOWN       Errno = 112
	ENETUNREACH     Errno = 101
	ENFILE          Errno = 23
	ENOBUFS         Errno = 105
	ENODEV          Errno = 19
	ENOENT          Errno = 2
	ENOMEM          Errno = 12
	ENOSPC          Errno = 28
	ENOPROTOOPT     Errno = 92
	ENOSYS          Errno = 38
	ENOTCONN        Errno = 107
	ENOTSOCK        Errno = 88
	ENOTSUP         Errno = 95
	EOPNOTSUPP      Errno = 95
	EPERM           Errno = 1
	EPIPE           Errno = 32
	EPROTO          Errno = 71
	EPROTOTYPE      Errno = 91
	EPROTONOSUPPORT Errno = 93
	ETIMEDOUT       Errno = 110
)

var errnoText = map[Errno]string{
	EAGAIN:          "resource temporarily unavailable",
	EALREADY:        "operation already in progress",
	EACCES:          "permission denied",
	EADDRINUSE:      "address already in use",
	EADDRNOTAVAIL:   "cannot assign requested address",
	EAFNOSUPPORT:    "address family not supported by protocol",
	EBADF:           "bad file descriptor",
	ECANCELED:       "operation canceled",
	ECONNABORTED:    "software caused connection abort",
	ECONNREFUSED:    "connection refused",
	ECONNRESET:      "connection reset by peer",
	EDESTADDRREQ:    "destination address required",
	EDEADLK:         "resource deadlock avoided",
	EEXIST:          "file exists",
	EFAULT:          "bad address",
	EHOSTUNREACH:    "no route to host",
	EINPROGRESS:     "operation now in progress",
	EINTR:           "interrupted system call",
	EINVAL:          "invalid argument",
	EISCONN:         "transport endpoint is already connected",
	ELOOP:           "too many levels of symbolic links",
	EMFILE:          "too many open files",
	EMSGSIZE:        "message too long",
	ENAMETOOLONG:    "file name too long",
	ENETDOWN:        "network is down",
	EHOSTDOWN:       "host is down",
	ENETUNREACH:     "network is unreachable",
	ENFILE:          "too many open files in system",
	ENOBUFS:         "no buffer space available",
	ENOENT:          "no such file or directory",
	ENODEV:          "no such device",
	ENOMEM:          "cannot allocate memory",
	ENOSPC:          "no space left on device",
	ENOPROTOOPT:     "protocol not available",
	ENOSYS:          "function not implemented",
	ENOTCONN:        "transport endpoint is not connected",
	EOPNOTSUPP:      "operation not supported",
	EPERM:           "operation not permitted",
	EPIPE:           "broken pipe",
	EPROTO:          "protocol error",
	EPROTOTYPE:      "protocol wrong type for socket",
	EPROTONOSUPPORT: "protocol not supported",
	ETIMEDOUT:       "connection timed out",
}
