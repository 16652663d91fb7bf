package opaque

import "net"

// Listener returns a listener for connections of netconn's TLS. They lack the method with which
// net/http asks for the negotiated protocol. So net/http serves HTTP/2 if a connection starts with
// the preface of HTTP/2, and HTTP/1.1 otherwise.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

type conn struct{ net.Conn }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c}, nil
}
