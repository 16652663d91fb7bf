package serve

import (
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/socket"
)

// ListenOn has a socket listen with the options that the C loop has, and tells the suite.
func ListenOn(l *socket.Socket, args []string) {
	try := func(err error) {
		if err != nil {
			Fail(err)
		}
	}
	try(l.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1))
	try(l.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)) // inherited by what it accepts
	at, err := netip.ParseAddrPort(Address(args))
	try(err)
	try(l.Bind(socket.AddrOf(at)))
	try(l.Listen(4096))
	bound, err := l.LocalAddr()
	try(err)
	Listening(net.TCPAddrFromAddrPort(bound.AddrPort()))
}
