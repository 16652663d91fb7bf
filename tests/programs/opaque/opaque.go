package opaque

import "net"

// Listener returns a listener for connections of our TLS. They lack the method by which net/http
// asks for the protocol that was agreed. So net/http serves HTTP/1.1, or HTTP/2 if it reads the
// preface of HTTP/2.
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
