package socket

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"weak"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/timeout"
)

// The values of SSLOptions.CertReqs. As on MicroPython's mbedtls ports only CERT_REQUIRED validates
// anything.
const (
	CERT_NONE     = 0
	CERT_OPTIONAL = 1
	CERT_REQUIRED = 2
)

// SSLOptions are the arguments of MicroPython's ssl.wrap_socket (docs/library/ssl.rst). Key, Cert
// and CAData are PEM or DER. Cert may be a chain, CAData several certificates. PEM is read by the
// types of its blocks: other blocks are ignored, so that one file may be both Key and Cert.
type SSLOptions struct {
	Key, Cert      []byte
	CertReqs       int
	CAData         []byte // whom to trust with CERT_REQUIRED; nil: whom the system trusts, for a client only
	ServerHostname string
	DeferHandshake bool // do_handshake=False: it is part of the first reads and writes
}

// An SSLSocket is TLS on a Socket, with the methods of MicroPython's: those of a stream. Its mode
// is the Socket's, and its calls wait as the Socket's do.
type SSLSocket struct {
	s  *Socket
	st *sslState
}

// sslState is what hooks may know: not the Socket, which the garbage collector closes.
type sslState struct {
	c *secure.Conn
	listeners
}

// WrapSSL is ssl.wrap_socket: TLS on a connected stream, which must not be used directly from now
// on. The handshake is made at once, waiting also on a non-blocking Socket, unless it is deferred:
// then a non-blocking read or write goes on with it, and is EAGAIN until it is over. package sel
// polls an SSLSocket as it is: POLLIN where a read gives something, also what is buffered here,
// POLLOUT where a write takes something. Any number of Polls may have one SSLSocket.
//
// Wrong options leave sock as it was. If the handshake fails, sock is closed.
func WrapSSL(sock *Socket, server bool, opts SSLOptions) (*SSLSocket, error) {
	cfg, err := opts.config(server)
	if err != nil {
		return nil, err
	}
	if sock.typ != SOCK_STREAM {
		return nil, badValue(opWrap, "a socket of type %d must be a stream", sock.typ)
	}
	d := sock.d
	local, _ := sock.LocalAddr() // for the config's callbacks, of which there are none
	remote, err := sock.RemoteAddr()
	if err != nil {
		return nil, &OSError{Errno: err.(*OSError).Errno, Op: opWrap.String()}
	}
	user := weak.Make(sock)
	outer := func() net.Conn { return sslConn{user.Value(), sslAddr(local), sslAddr(remote)} }
	st := &sslState{c: secure.NewConn(d, below(d.Kernel), sslAddr(local), sslAddr(remote), outer, cfg, server)}
	d.AddHook(&desc.Hook{F: st.news}) // closed meanwhile: the handshake tells
	s := &SSLSocket{s: sock, st: st}
	if opts.DeferHandshake {
		return s, nil
	}
	c := sock.start()
	if !c.Limit.Blocks() {
		c.Limit = timeout.None
	}
	if err := s.fail(opWrap, st.c.Handshake(&c)); err != nil {
		_ = s.Close() // the handshake's error is the one to tell
		return nil, err
	}
	return s, nil
}

// ReadSize is MicroPython's read(n), ReadAll its read(): see Socket.ReadSize. The end is the peer's
// close_notify.
func (s *SSLSocket) ReadSize(n int) ([]byte, error) {
	if n < 0 {
		n = maxInt
	}
	if n == 0 {
		return []byte{}, nil
	}
	c := s.s.start()
	r, err := s.begin(opRead, &c)
	if err != nil {
		return []byte{}, err
	}
	data, e := s.s.d.Gather(&c, n, r.Recv)
	return data, s.end(opRead, &r, e)
}

// ReadAll reads until the end.
func (s *SSLSocket) ReadAll() ([]byte, error) { return s.ReadSize(-1) }

// ReadInto is MicroPython's readinto: ReadSize(len(p)) into p.
func (s *SSLSocket) ReadInto(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c := s.s.start()
	r, err := s.begin(opReadInto, &c)
	if err != nil {
		return 0, err
	}
	n, e := s.s.d.Fill(&c, p, r.Recv)
	return n, s.end(opReadInto, &r, e)
}

// ReadLine is MicroPython's readline: up to and with '\n'.
func (s *SSLSocket) ReadLine() ([]byte, error) { return s.ReadLineMax(-1) }

// ReadLineMax is ReadLine that ends after n bytes at most; a negative n is no limit.
func (s *SSLSocket) ReadLineMax(n int) ([]byte, error) {
	limit := lineLimit(n)
	if limit == 0 {
		return []byte{}, nil
	}
	c := s.s.start()
	r, err := s.begin(opReadLine, &c)
	if err != nil {
		return []byte{}, err
	}
	line, e := s.s.d.Line(&c, limit, false, r.Recv) // what is behind the line stays; the record is here already
	return line, s.end(opReadLine, &r, e)
}

// begin makes the handshake if need be.
func (s *SSLSocket) begin(o op, c *desc.Call) (secure.Reading, error) {
	r, err := s.st.c.Reads(c)
	if err != nil {
		s.st.news()
	}
	return r, s.fail(o, err)
}

// end is the error of a read. What it has taken, no Event tells a Poll of any more; there may be
// more of it.
func (s *SSLSocket) end(o op, r *secure.Reading, e desc.Errno) error {
	err := r.End(e)
	s.st.news()
	return s.fail(o, err)
}

// Read is io.Reader's: what is there, io.EOF at the end.
func (s *SSLSocket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c := s.s.start()
	n, err := s.st.read(&c, p)
	if err == io.EOF && s.open() {
		return n, io.EOF
	}
	return n, s.fail(opRead, err)
}

// Write is MicroPython's write, and io.Writer's: n is how much was taken, also with an error;
// non-blocking, EAGAIN if that is not all. What was taken of a last record and the kernel refused
// goes with the next call, or while a Poll asks.
func (s *SSLSocket) Write(p []byte) (int, error) {
	c := s.s.start()
	n, err := s.st.c.Write(&c, p)
	s.st.news() // a handshake may have come to its end, and data with that
	return n, s.fail(opWrite, err)
}

// Close says close_notify, if it can without waiting, and closes the Socket. What a non-blocking
// Write had taken of a last record and the kernel has not is lost: POLLOUT tells when that has
// left.
func (s *SSLSocket) Close() error {
	s.st.c.SendCloseNotify()
	return s.s.Close()
}

// SetBlocking and SetTimeout are the Socket's.
func (s *SSLSocket) SetBlocking(on bool) error          { return s.s.SetBlocking(on) }
func (s *SSLSocket) SetTimeout(t timeout.Timeout) error { return s.s.SetTimeout(t) }

// Fileno is the Socket's descriptor, -1 once closed.
func (s *SSLSocket) Fileno() int { return s.s.Fileno() }

// Cipher is the name of the cipher suite and of the protocol version; empty before the handshake.
func (s *SSLSocket) Cipher() (suite, version string) {
	st, ok := s.st.c.State()
	if !ok {
		return "", ""
	}
	return tls.CipherSuiteName(st.CipherSuite), tls.VersionName(st.Version)
}

// GetPeerCert is MicroPython's getpeercert(True): the peer's certificate in DER, nil if it has
// shown none.
func (s *SSLSocket) GetPeerCert() []byte {
	st, ok := s.st.c.State()
	if !ok || len(st.PeerCertificates) == 0 {
		return nil
	}
	return st.PeerCertificates[0].Raw
}

// read is the Conn's. What it has taken, no Event tells a Poll of any more; there may be more of
// it.
func (st *sslState) read(c *desc.Call, p []byte) (int, error) {
	n, err := st.c.Read(c, p)
	st.news()
	return n, err
}

// open tells whether the handshake is over and has succeeded.
func (s *SSLSocket) open() bool {
	_, ok := s.st.c.State()
	return ok
}

// fail is an OSError; what TLS itself says is EPROTO, and crypto/tls's error inside.
func (s *SSLSocket) fail(o op, err error) error {
	runtime.KeepAlive(s.s)
	var e kernel.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return fail(o, e)
	case err == io.EOF: // in the handshake
		err = io.ErrUnexpectedEOF
	}
	return &sslError{OSError{Errno: int(kernel.EPROTO), Op: o.String()}, err}
}

type sslError struct {
	OSError
	cause error
}

func (e *sslError) Error() string   { return fmt.Sprintf("socket: %s: %v", e.Op, e.cause) }
func (e *sslError) Unwrap() []error { return []error{&e.OSError, e.cause} }
