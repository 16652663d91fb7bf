package kit

import "net"

// Opaque returns a listener for connections of our TLS. They lack the method by which net/http asks
// for the protocol that was agreed, so net/http serves HTTP/1.1 or the preface of HTTP/2 that it
// reads.
func Opaque(l net.Listener) net.Listener { return opaqueListener{l} }

type opaqueListener struct{ net.Listener }

type opaque struct{ net.Conn }

func (l opaqueListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return opaque{c}, nil
}
