//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

// Only simulated kernels run on this system. They use the numbers of Linux.
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
	ReceivedRights     = 0
	IP_RECVTOS         = 13
	UDP_SEGMENT        = 103
	UDP_GRO            = 104
	IPV6_RECVTCLASS    = 66

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
	MSG_CTRUNC    = 0x8
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
	EIO             Errno = 5
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
