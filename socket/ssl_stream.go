package socket

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/poller"
)

// An SSLStream is TLS on any stream, with the methods of an SSLSocket. Its calls wait as the
// stream's do. Two goroutines may use it at the same time, if one reads and the other one writes.
type SSLStream struct {
	//	field    | set by               | cleared by          | lock
	//	---------+----------------------+---------------------+--------
	//	session  | WrapStream           | never               | readMu, and writeMu to Write
	//	ready    | the handshake's end  | never               | readMu; atomic
	//	still    | buffered             | buffered            | readMu; atomic
	//	asks     | the end of each call | the next call       | stateMu
	//	failed   | fail                 | never               | stateMu
	//	closed   | Close                | never               | stateMu
	//	out      | streamWire.Write     | flush               | outMu
	//
	// Locks are taken in the order readMu, writeMu, outMu, stateMu.

	stream  io.ReadWriter
	session *secure.Session
	ready   atomic.Bool // the handshake has succeeded; Write may read this while a Read has readMu

	readMu  sync.Mutex  // held during a Read of the stream
	still   atomic.Bool // Read must not call the stream
	writeMu sync.Mutex  // held during a Write of the SSLStream
	outMu   sync.Mutex
	out     []byte // records that the stream has not accepted yet

	stateMu sync.Mutex
	// The direction for which the last call waits, if it is not the direction of the call itself.
	asks   poller.Interest
	failed error
	closed bool
}

// WrapStream is wrap_socket of a stream that is not a Socket, for example of another SSLSocket. The
// stream's Read and Write may block. A stream that does not block must return EAGAIN instead.
//
// WrapStream makes the handshake at once. While the stream returns EAGAIN, it sleeps for a
// millisecond and tries again. So set DeferHandshake on a loop. If the handshake fails, the stream
// stays open.
//
// If package sel can poll the stream, it can poll the SSLStream too.
func (c *SSLContext) WrapStream(stream io.ReadWriter, o SSLWrap) (*SSLStream, error) {
	if stream == nil {
		panic("socket: WrapStream of a nil stream")
	}
	if err := c.check(o); err != nil {
		return nil, err
	}
	s := &SSLStream{stream: stream}
	s.session = secure.New((*streamWire)(s), c.configFor(o.ServerHostname), c.protocol == PROTOCOL_TLS_SERVER)
	if o.DeferHandshake {
		return s, nil
	}
	for {
		err := s.shake()
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, kernel.EAGAIN) {
			return nil, s.fail(opWrap, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// shake continues the handshake. EAGAIN means that it must wait until the stream is ready.
func (s *SSLStream) shake() error {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	return s.shakeLocked()
}

func (s *SSLStream) shakeLocked() error {
	if err := s.flush(); err != nil {
		return err
	}
	err := s.session.Handshake()
	if err == nil {
		s.ready.Store(true)
	}
	if e := s.flush(); err == secure.ErrAgain && e != nil {
		return e
	}
	if err == secure.ErrAgain {
		return kernel.EAGAIN
	}
	return err
}

// Read implements io.Reader. It returns io.EOF at the end of input.
func (s *SSLStream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.recv(p)
	if err == io.EOF {
		return n, err
	}
	return n, s.fail(opRead, err)
}

// recv reads once.
func (s *SSLStream) recv(p []byte) (int, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if err := s.shakeLocked(); err != nil {
		if s.pending() {
			s.ask(poller.Out)
		}
		return 0, err
	}
	n, err := s.session.Read(p)
	_ = s.flush() // answers to KeyUpdates; if the stream refuses them, the next call sends them
	if err == secure.ErrAgain {
		err = kernel.EAGAIN
	}
	return n, err
}

// Write is MicroPython's write, and implements io.Writer: see SSLSocket.Write.
func (s *SSLStream) Write(p []byte) (n int, err error) {
	if err := s.begin(); err != nil {
		return 0, s.fail(opWrite, err)
	}
	if !s.ready.Load() {
		if err := s.shake(); err != nil {
			if errors.Is(err, kernel.EAGAIN) && !s.pending() {
				s.ask(poller.In)
			}
			return 0, s.fail(opWrite, err)
		}
	}
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	const record = 16 << 10
	for n < len(p) {
		if err := s.flush(); err != nil {
			return n, s.fail(opWrite, err)
		}
		k, err := s.session.Write(p[n:min(len(p), n+record)])
		if n += k; err != nil {
			return n, s.fail(opWrite, err)
		}
	}
	if err := s.flush(); err != nil && !errors.Is(err, kernel.EAGAIN) {
		return n, s.fail(opWrite, err)
	}
	return n, nil
}

// closeMost is how long Close may take to send close_notify.
const closeMost = 5 * time.Second

// Close sends close_notify, if the stream accepts it. It closes the stream, if the stream has a
// method Close. If the stream has SetWriteDeadline, the send may take at most 5 s, as in
// crypto/tls. Without that limit, two ends of a net.Pipe that close at the same time would wait for
// each other. A second call does nothing.
func (s *SSLStream) Close() error {
	s.stateMu.Lock()
	was := s.closed
	s.closed = true
	s.stateMu.Unlock()
	if was {
		return nil
	}
	if s.readMu.TryLock() { // otherwise another goroutine is in Read, and notices the close
		if s.session.Ready() {
			if d, ok := s.stream.(interface{ SetWriteDeadline(time.Time) error }); ok {
				_ = d.SetWriteDeadline(time.Now().Add(closeMost)) // a stream without deadlines waits
			}
			_ = s.session.CloseWrite()
			_ = s.flush()
		}
		s.session.Stop()
		s.readMu.Unlock()
	}
	if c, ok := s.stream.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// SetBlocking calls the method SetBlocking of the stream. If the stream has no such method, the
// error is ErrValue, and matches errors.ErrUnsupported.
func (s *SSLStream) SetBlocking(on bool) error {
	if b, ok := s.stream.(interface{ SetBlocking(bool) error }); ok {
		return b.SetBlocking(on)
	}
	return unsupported(opSetBlocking, "a %T has no method SetBlocking(bool) error", s.stream)
}

// Cipher and GetPeerCert do the same as the methods of an SSLSocket.
func (s *SSLStream) Cipher() (suite, version string) {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if !s.session.Ready() {
		return "", ""
	}
	return cipherNames(s.session.State())
}

func (s *SSLStream) GetPeerCert() []byte {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if !s.session.Ready() {
		return nil
	}
	return peerCert(s.session.State())
}

// begin begins a call.
func (s *SSLStream) begin() error {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	s.asks = 0
	if s.closed {
		return kernel.EBADF
	}
	return repeated(s.failed)
}

func (s *SSLStream) ask(i poller.Interest) {
	s.stateMu.Lock()
	s.asks = i
	s.stateMu.Unlock()
}

// fail makes the error of a call. If the error is permanent, all later calls return it.
func (s *SSLStream) fail(o op, err error) error {
	if err == nil {
		return nil
	}
	var e kernel.Errno
	ours := err
	if errors.As(err, &e) {
		ours = fail(o, e)
		if passes(e) {
			return ours
		}
	} else {
		ours = tlsError(o, err)
	}
	s.stateMu.Lock()
	if s.failed == nil {
		s.failed = err
	}
	s.stateMu.Unlock()
	return ours
}

// pending reports whether there are records that the stream has not accepted.
func (s *SSLStream) pending() bool {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	return len(s.out) > 0
}

// flush sends these records. EAGAIN means that the stream has not accepted all of them.
func (s *SSLStream) flush() error {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	for len(s.out) > 0 {
		n, err := s.stream.Write(s.out)
		if s.out = s.out[min(max(n, 0), len(s.out)):]; len(s.out) == 0 {
			s.out = nil
			return nil
		}
		if err == nil && n <= 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return err
		}
	}
	return nil
}
