package socket

import "github.com/ureactor/ureactor/internal/kernel"

// The numbers of the host.
const (
	AF_INET  = kernel.AF_INET
	AF_INET6 = kernel.AF_INET6
	AF_UNIX  = kernel.AF_UNIX

	SOCK_STREAM    = kernel.SOCK_STREAM
	SOCK_DGRAM     = kernel.SOCK_DGRAM
	SOCK_RAW       = kernel.SOCK_RAW
	SOCK_SEQPACKET = kernel.SOCK_SEQPACKET

	IPPROTO_IP     = kernel.IPPROTO_IP
	IPPROTO_ICMP   = kernel.IPPROTO_ICMP
	IPPROTO_TCP    = kernel.IPPROTO_TCP
	IPPROTO_UDP    = kernel.IPPROTO_UDP
	IPPROTO_IPV6   = kernel.IPPROTO_IPV6
	IPPROTO_ICMPV6 = kernel.IPPROTO_ICMPV6
	IPPROTO_RAW    = kernel.IPPROTO_RAW

	SOL_SOCKET    = kernel.SOL_SOCKET
	SO_ACCEPTCONN = kernel.SO_ACCEPTCONN
	SO_BROADCAST  = kernel.SO_BROADCAST
	SO_DONTROUTE  = kernel.SO_DONTROUTE
	SO_ERROR      = kernel.SO_ERROR
	SO_KEEPALIVE  = kernel.SO_KEEPALIVE
	SO_LINGER     = kernel.SO_LINGER
	SO_OOBINLINE  = kernel.SO_OOBINLINE
	SO_RCVBUF     = kernel.SO_RCVBUF
	SO_RCVLOWAT   = kernel.SO_RCVLOWAT
	SO_RCVTIMEO   = kernel.SO_RCVTIMEO // accepted, without effect: only SetTimeout sets a timeout
	SO_REUSEADDR  = kernel.SO_REUSEADDR
	SO_REUSEPORT  = kernel.SO_REUSEPORT
	SO_SNDBUF     = kernel.SO_SNDBUF
	SO_SNDLOWAT   = kernel.SO_SNDLOWAT
	SO_SNDTIMEO   = kernel.SO_SNDTIMEO // accepted, without effect, like SO_RCVTIMEO
	SO_TYPE       = kernel.SO_TYPE
	SOMAXCONN     = kernel.SOMAXCONN

	SOL_IP   = kernel.IPPROTO_IP
	SOL_TCP  = kernel.IPPROTO_TCP
	SOL_UDP  = kernel.IPPROTO_UDP
	SOL_IPV6 = kernel.IPPROTO_IPV6

	IP_ADD_MEMBERSHIP  = kernel.IP_ADD_MEMBERSHIP
	IP_DROP_MEMBERSHIP = kernel.IP_DROP_MEMBERSHIP
	IP_MULTICAST_IF    = kernel.IP_MULTICAST_IF
	IP_MULTICAST_LOOP  = kernel.IP_MULTICAST_LOOP
	IP_MULTICAST_TTL   = kernel.IP_MULTICAST_TTL
	IP_TOS             = kernel.IP_TOS
	IP_TTL             = kernel.IP_TTL

	IPV6_JOIN_GROUP     = kernel.IPV6_JOIN_GROUP
	IPV6_LEAVE_GROUP    = kernel.IPV6_LEAVE_GROUP
	IPV6_MULTICAST_HOPS = kernel.IPV6_MULTICAST_HOPS
	IPV6_MULTICAST_IF   = kernel.IPV6_MULTICAST_IF
	IPV6_MULTICAST_LOOP = kernel.IPV6_MULTICAST_LOOP
	IPV6_UNICAST_HOPS   = kernel.IPV6_UNICAST_HOPS
	IPV6_V6ONLY         = kernel.IPV6_V6ONLY

	TCP_KEEPIDLE  = kernel.TCP_KEEPIDLE // 0 on a system without this option
	TCP_KEEPINTVL = kernel.TCP_KEEPINTVL
	TCP_MAXSEG    = kernel.TCP_MAXSEG
	TCP_NODELAY   = kernel.TCP_NODELAY

	MSG_CTRUNC    = kernel.MSG_CTRUNC
	MSG_DONTROUTE = kernel.MSG_DONTROUTE
	MSG_DONTWAIT  = kernel.MSG_DONTWAIT
	MSG_OOB       = kernel.MSG_OOB
	MSG_PEEK      = kernel.MSG_PEEK
	MSG_TRUNC     = kernel.MSG_TRUNC
	MSG_WAITALL   = kernel.MSG_WAITALL

	SHUT_RD   = kernel.SHUT_RD
	SHUT_WR   = kernel.SHUT_WR
	SHUT_RDWR = kernel.SHUT_RDWR
)

// IPPROTO_SEC makes a TCP socket for WrapSSL, as on the WiPy. This socket, and sockets that it
// accepts, send and receive only through WrapSSL. Without WrapSSL their sends and receives return
// EPROTO.
const IPPROTO_SEC = 100

// SO_CALLBACK is the option of level SOL_SOCKET that sets the callback. Its value must be a
// function or nil. If the value has another type, SetSockOpt sets the option of the host with the
// number 20.
const SO_CALLBACK = 20

// The flags of GetAddrInfo have the numbers of Linux. This package implements the flags itself, so
// they work on every host.
const (
	AI_PASSIVE     = 0x1
	AI_CANONNAME   = 0x2 // accepted, without effect (doc/semantics.md, D24)
	AI_NUMERICHOST = 0x4
	AI_V4MAPPED    = 0x8
	AI_ALL         = 0x10
	AI_ADDRCONFIG  = 0x20
	AI_NUMERICSERV = 0x400
)

// These are the numbers of OSErrors of GetAddrInfo.
const (
	EAI_BADFLAGS   = -1
	EAI_NONAME     = -2
	EAI_AGAIN      = -3
	EAI_FAIL       = -4
	EAI_FAMILY     = -6
	EAI_SOCKTYPE   = -7
	EAI_SERVICE    = -8
	EAI_ADDRFAMILY = -9
)
