package socket

import (
	"net"
	"weak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/timeout"
)

// SSLOptions are the arguments of MicroPython's ssl.wrap_socket (docs/library/ssl.rst). See
// SSLContext for what Key, Cert and CAData may be.
type SSLOptions struct {
	Key, Cert      []byte
	CertReqs       int
	CAData         []byte // trusted authorities of CERT_REQUIRED; nil (client): the system's
	ServerHostname string
	DeferHandshake bool // do_handshake=False: the first reads and writes make the handshake
}

// WrapSSL is ssl.wrap_socket: an SSLContext for one connection, and its WrapSocket. Wrong options
// have no effect on sock. If the handshake fails, sock is closed.
func WrapSSL(sock *Socket, server bool, opts SSLOptions) (*SSLSocket, error) {
	c, err := opts.context(server)
	if err != nil {
		return nil, err
	}
	s, err := c.wrap(sock, SSLWrap{ServerSide: server, ServerHostname: opts.ServerHostname, DeferHandshake: opts.DeferHandshake})
	if err == nil && !opts.DeferHandshake {
		if err = s.handshake(); err != nil {
			_ = s.Close() // return the error of the handshake, not of Close
			return nil, err
		}
	}
	return s, err
}

func (o *SSLOptions) context(server bool) (*SSLContext, error) {
	switch {
	case (o.Key == nil) != (o.Cert == nil):
		return nil, badValue(opWrap, "key and cert must be given both")
	case server && o.Cert == nil:
		return nil, badValue(opWrap, "a server must have key and cert")
	}
	protocol := PROTOCOL_TLS_CLIENT
	if server {
		protocol = PROTOCOL_TLS_SERVER
	}
	c, err := NewSSLContext(protocol)
	if err == nil && o.Cert != nil {
		err = c.LoadCertChainData(o.Cert, o.Key)
	}
	if err == nil && o.CAData != nil {
		err = c.LoadVerifyLocations("", o.CAData)
	}
	if err == nil {
		err = c.SetVerifyMode(o.CertReqs)
	}
	return c, err
}

// SSLWrap are the arguments of SSLContext.wrap_socket. The protocol of the context decides on which
// side the connection is. ServerSide only turns off the check that a client has given
// ServerHostname.
type SSLWrap struct {
	ServerSide     bool
	ServerHostname string // a client's: the name to check, which the server also gets (SNI)
	DeferHandshake bool   // do_handshake_on_connect=False: the first reads and writes make it
}

// check returns an error if the settings cannot verify the peer.
func (c *SSLContext) check(o SSLWrap) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.mode != CERT_REQUIRED:
	case !o.ServerSide && o.ServerHostname == "":
		return badValue(opWrap, "CERT_REQUIRED requires server_hostname")
	case c.protocol == PROTOCOL_TLS_SERVER && c.trusted == nil:
		// The system's authorities would accept any client.
		return badValue(opWrap, "CERT_REQUIRED of a server requires load_verify_locations")
	}
	return nil
}

// WrapSocket is wrap_socket: it makes TLS on a stream socket. Do not use sock directly from now on.
//
// WrapSocket makes the handshake at once and waits for it, also on a non-blocking Socket. A
// deferred handshake is part of the first reads and writes; a non-blocking one returns EAGAIN until
// the handshake is complete. If the handshake fails, sock stays open, and the caller closes it.
//
// Package sel can poll an SSLSocket. A Poll reports POLLIN if a read would return data, also
// buffered data. It reports POLLOUT if a write would accept data. After a final error it reports
// POLLNVAL. One SSLSocket may be registered with any number of Polls.
func (c *SSLContext) WrapSocket(sock *Socket, o SSLWrap) (*SSLSocket, error) {
	s, err := c.wrap(sock, o)
	if err == nil && !o.DeferHandshake {
		if err = s.handshake(); err != nil {
			return nil, err
		}
	}
	return s, err
}

// wrap is WrapSocket without a handshake.
func (c *SSLContext) wrap(sock *Socket, o SSLWrap) (*SSLSocket, error) {
	if sock == nil {
		panic("socket: TLS on a nil Socket: pass one that is connected")
	}
	if err := c.check(o); err != nil {
		return nil, err
	}
	if sock.typ != SOCK_STREAM {
		return nil, badValue(opWrap, "a socket of type %d must be a stream", sock.typ)
	}
	d := sock.d
	if d.Closed() {
		return nil, fail(opWrap, kernel.EBADF)
	}
	local, _ := sock.LocalAddr() // for errors only
	remote, err := sock.RemoteAddr()
	if err != nil && !o.DeferHandshake {
		return nil, fail(opWrap, kernel.ENOTCONN)
	}
	user := weak.Make(sock)
	outer := func() net.Conn { return sslConn{user.Value(), sslAddr(local), sslAddr(remote)} }
	cfg, server := c.configFor(o.ServerHostname), c.protocol == PROTOCOL_TLS_SERVER
	st := &sslState{c: secure.NewConn(d, below(d.Kernel), sslAddr(local), sslAddr(remote), outer, cfg, server)}
	// If the Desc is closed, AddHook fails, and the handshake returns the error.
	d.AddHook(&desc.Hook{F: st.news})
	return &SSLSocket{s: sock, st: st}, nil
}

// handshake waits until the handshake is complete, also on a non-blocking Socket.
func (s *SSLSocket) handshake() error {
	c := s.s.start()
	if !c.Limit.Blocks() {
		c.Limit = timeout.None
	}
	return s.fail(opWrap, s.st.c.Handshake(&c))
}
