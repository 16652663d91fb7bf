package socket

import (
	"net"
	"unsafe"
	"weak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/timeout"
)

// SSLOptions has the arguments of MicroPython's ssl.wrap_socket (docs/library/ssl.rst). SSLContext
// says what Key, Cert and CAData may be.
type SSLOptions struct {
	Key, Cert      []byte
	CertReqs       int
	CAData         []byte // authorities for CERT_REQUIRED; a client without any trusts the system's
	ServerHostname string
	DeferHandshake bool // do_handshake=False: the first reads and writes make the handshake
}

// WrapSSL is ssl.wrap_socket. It makes an SSLContext for one connection, and calls its WrapSocket.
// If the options are wrong, sock does not change. If the handshake fails, sock is closed.
func WrapSSL(sock *Socket, server bool, opts SSLOptions) (*SSLSocket, error) {
	c, err := opts.context(server)
	if err != nil {
		return nil, err
	}
	s, err := c.wrap(sock, SSLWrap{ServerSide: server, ServerHostname: opts.ServerHostname, DeferHandshake: opts.DeferHandshake})
	if err == nil && !opts.DeferHandshake {
		if err = s.handshake(); err != nil {
			_ = s.Close() // the error of the handshake is returned, and not that of Close
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

// SSLWrap has the arguments of SSLContext.wrap_socket. The protocol of the context decides whether
// this side is the server. ServerSide only turns off the check that a client has set
// ServerHostname.
type SSLWrap struct {
	ServerSide     bool
	ServerHostname string // for a client: the server's name, to check and to send (SNI)
	DeferHandshake bool   // do_handshake_on_connect=False: the first reads and writes make it
}

// check returns an error if the peer cannot be verified with these settings.
func (c *SSLContext) check(o SSLWrap) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.mode != CERT_REQUIRED:
	case !o.ServerSide && o.ServerHostname == "":
		return badValue(opWrap, "CERT_REQUIRED requires server_hostname")
	case c.protocol == PROTOCOL_TLS_SERVER && c.trusted == nil:
		// With the system's authorities, any client would be accepted.
		return badValue(opWrap, "CERT_REQUIRED of a server requires load_verify_locations")
	}
	return nil
}

// WrapSocket is wrap_socket. It makes TLS on a stream socket. Do not use sock directly after that.
//
// WrapSocket makes the handshake at once and waits for it, even on a non-blocking Socket. If the
// handshake is deferred, the first reads and writes make it. On a non-blocking Socket they return
// EAGAIN until it is complete. If the handshake fails, sock stays open, and the caller must close
// it.
//
// Package sel can poll an SSLSocket. A Poll reports POLLIN if a read would return data, which may
// be buffered. It reports POLLOUT if a write would accept data. After a permanent error it reports
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

// wrap is WrapSocket without the handshake.
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
	local, _ := sock.LocalAddr() // only errors use it
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
	s := &SSLSocket{s: sock, st: st}
	st.c.SetUser(unsafe.Pointer(s))
	return s, nil
}

// handshake waits until the handshake is complete, even on a non-blocking Socket.
func (s *SSLSocket) handshake() error {
	c := s.s.start()
	if !c.Limit.Blocks() {
		c.Limit = timeout.None
	}
	return s.fail(opWrap, s.st.c.Handshake(&c))
}
