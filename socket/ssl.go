package socket

import (
	"crypto/tls"
	"errors"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/timeout"
)

// An SSLSocket is TLS on a Socket, with the methods of a MicroPython stream. Its calls wait as
// those of the Socket do, and have the same Timeout.
type SSLSocket struct {
	s  *Socket
	st *sslState
}

// sslState is the part of an SSLSocket to which hooks refer. It must not refer to the Socket.
// Otherwise the hooks would keep an abandoned Socket reachable, and the garbage collector would
// never close it.
type sslState struct {
	c      *secure.Conn
	failed atomic.Pointer[error] // the error that every later call returns; see fail
	listeners
}

// ReadSize is MicroPython's read(n): see Socket.ReadSize. The peer's close_notify ends the input.
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

// ReadAll is MicroPython's read(). It reads until the end of input.
func (s *SSLSocket) ReadAll() ([]byte, error) { return s.ReadSize(-1) }

// ReadInto is MicroPython's readinto. It is ReadSize(len(p)) into p.
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

// ReadLine is MicroPython's readline. It reads up to '\n' and includes that byte.
func (s *SSLSocket) ReadLine() ([]byte, error) { return s.ReadLineMax(-1) }

// ReadLineMax is ReadLine with a limit of n bytes. A negative n means no limit.
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
	line, e := s.s.d.Line(&c, limit, false, r.Recv) // the TLS session keeps the rest of the record
	return line, s.end(opReadLine, &r, e)
}

// begin begins a read. If the handshake is not complete, it makes the handshake.
func (s *SSLSocket) begin(o op, c *desc.Call) (secure.Reading, error) {
	if e := s.st.failed.Load(); e != nil {
		return secure.Reading{}, s.again(o, *e)
	}
	r, err := s.st.c.Reads(c)
	if err != nil {
		s.st.news()
	}
	return r, s.fail(o, err)
}

// end returns the error of a read, and notifies the Polls. The read may have received more of a
// record than it has returned, and no Event reports that.
func (s *SSLSocket) end(o op, r *secure.Reading, e desc.Errno) error {
	err := r.End(e)
	s.st.news()
	return s.fail(o, err)
}

// Read implements io.Reader. It returns io.EOF at the end of input.
func (s *SSLSocket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if e := s.st.failed.Load(); e != nil {
		return 0, s.again(opRead, *e)
	}
	c := s.s.start()
	n, err := s.st.read(&c, p)
	if err == io.EOF && s.open() {
		return n, io.EOF
	}
	return n, s.fail(opRead, err)
}

// Write is MicroPython's write, and implements io.Writer. n is how many bytes it has accepted, also
// with an error. If a non-blocking Write cannot accept all bytes, it returns EAGAIN. The kernel may
// have no room for all of a record whose bytes were accepted. Then the next call, or a Poll, sends
// the rest of the record.
func (s *SSLSocket) Write(p []byte) (int, error) {
	if e := s.st.failed.Load(); e != nil {
		return 0, s.again(opWrite, *e)
	}
	c := s.s.start()
	n, err := s.st.c.Write(&c, p)
	s.st.news() // the handshake may be complete, and data may have come with its end
	return n, s.fail(opWrite, err)
}

// Close sends close_notify, if that is possible without waiting, and closes the Socket. Records
// whose bytes a non-blocking Write has accepted may be unsent. They are lost then. When a Poll
// reports POLLOUT, no record is unsent.
func (s *SSLSocket) Close() error {
	s.st.c.SendCloseNotify()
	return s.s.Close()
}

// SetBlocking and SetTimeout do the same as the methods of the Socket.
func (s *SSLSocket) SetBlocking(on bool) error          { return s.s.SetBlocking(on) }
func (s *SSLSocket) SetTimeout(t timeout.Timeout) error { return s.s.SetTimeout(t) }

// Fileno returns the descriptor of the Socket, or -1 if the Socket is closed.
func (s *SSLSocket) Fileno() int { return s.s.Fileno() }

// Cipher returns the names of the cipher suite and of the protocol version, as mbedtls writes them.
// Before the handshake is complete they are empty.
func (s *SSLSocket) Cipher() (suite, version string) {
	st, ok := s.st.c.State()
	if !ok {
		return "", ""
	}
	return cipherNames(st)
}

// GetPeerCert is MicroPython's getpeercert(True). It returns the peer's certificate in DER. If the
// peer has sent none, it returns nil.
func (s *SSLSocket) GetPeerCert() []byte {
	st, _ := s.st.c.State()
	return peerCert(st)
}

func peerCert(st tls.ConnectionState) []byte {
	if len(st.PeerCertificates) == 0 {
		return nil
	}
	return st.PeerCertificates[0].Raw
}

// read reads from the Conn. It notifies the Polls for the same reason as end.
func (st *sslState) read(c *desc.Call, p []byte) (int, error) {
	n, err := st.c.Read(c, p)
	st.news()
	return n, err
}

// open returns whether the handshake has succeeded.
func (s *SSLSocket) open() bool {
	_, ok := s.st.c.State()
	return ok
}

// fail makes the error of a call. If it is an error of TLS, or ends reading, all later calls return
// it, and Polls report POLLNVAL. After another error of a write, later reads may still return
// input.
func (s *SSLSocket) fail(o op, err error) error {
	runtime.KeepAlive(s.s)
	if err == nil {
		return nil
	}
	var e kernel.Errno
	if errors.As(err, &e) {
		if !passes(e) && !(o == opWrite && s.open()) {
			s.st.failWith(err)
		}
		return s.s.fail(o, e)
	}
	s.st.failWith(err)
	return tlsError(o, err)
}

// failWith makes all later calls return err, unless they already return an error.
func (st *sslState) failWith(err error) {
	if st.failed.CompareAndSwap(nil, &err) {
		st.news()
	}
}

// again returns the error of a call after a call that has failed.
func (s *SSLSocket) again(o op, err error) error {
	if s.s.d.Closed() {
		err = kernel.EBADF
	}
	return s.fail(o, repeated(err))
}

// passes returns whether a later call may succeed after this error.
func passes(e kernel.Errno) bool {
	switch e {
	case kernel.EAGAIN, kernel.ETIMEDOUT, kernel.EDEADLK, kernel.ECANCELED:
		return true
	}
	return false
}
