package serve

import (
	"net/netip"

	"github.com/ureactor/ureactor/socket"
)

// Kind returns the socket's family and type.
func (o Options) Kind() (family, typ, proto int) {
	switch o.Network {
	case "unix":
		return socket.AF_UNIX, socket.SOCK_STREAM, 0
	case "udp":
		return socket.AF_INET, socket.SOCK_DGRAM, 0
	}
	return socket.AF_INET, socket.SOCK_STREAM, 0
}

// ListenOn makes a socket listen with the same options as the C loop, and reports to the suite.
func (o Options) ListenOn(l *socket.Socket) {
	at := socket.Path(o.Address)
	if o.Network != "unix" {
		ap, err := netip.ParseAddrPort(o.Address)
		Try(err)
		at = socket.AddrOf(ap)
		Try(l.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1))
	}
	if o.Network == "tcp" {
		Try(l.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)) // accepted sockets inherit this
	}
	Try(l.Bind(at))
	if o.Network != "udp" {
		Try(l.Listen(4096))
	}
	if o.Network == "unix" {
		Listening(o.Address)
		return
	}
	bound, err := l.LocalAddr()
	Try(err)
	Listening(bound.AddrPort().String())
}
