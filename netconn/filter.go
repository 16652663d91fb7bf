package netconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/reactor"
)

// HandshakeTimeout is how long a peer has for the handshake; see WithHandshakeTimeout.
const HandshakeTimeout = 10 * time.Second

// ErrHandshakeTimeout is what Closed is told when a handshake took too long. It is
// os.ErrDeadlineExceeded.
var ErrHandshakeTimeout error = &handshakeTimeout{}

type handshakeTimeout struct{}

func (*handshakeTimeout) Error() string   { return "tls: the handshake took too long" }
func (*handshakeTimeout) Timeout() bool   { return true }
func (*handshakeTimeout) Temporary() bool { return false }
func (*handshakeTimeout) Unwrap() error   { return errDeadline }

// WithTLS is an option of a reactor's Listen and Dial: what is on the wire is TLS, what the Handler
// sees and sends is not. A client's config must name the server or skip its verification.
//
// Opened comes when the handshake is over; what was sent before gathers until then. A peer that has
// not finished it after HandshakeTimeout, or fails it, is closed; Closed gets crypto/tls's error.
// CloseWrite and Close say close_notify before the FIN; the peer's close_notify is EOF. A FIN
// without close_notify is no EOF, for anybody on the way can send one: the Conn is closed, and
// Closed gets io.ErrUnexpectedEOF. Buffered and the limits count bytes on the wire.
//
// The handshake and the records run while the loop waits, so the config's callbacks must not block.
// The context that they get ends with HandshakeTimeout, and with the handshake. The connection that
// they get has the addresses, Close, which any goroutine may call, and a method Conn()
// *reactor.Conn for the loop; it does not read or write. What TLS costs is the cryptography: use a
// Group where it is too much for one loop.
func WithTLS(cfg *tls.Config) reactor.SocketOption {
	return WithHandshakeTimeout(cfg, HandshakeTimeout)
}

// WithHandshakeTimeout is WithTLS that gives the handshake d, 1 ms … 1 h.
func WithHandshakeTimeout(cfg *tls.Config, d time.Duration) reactor.SocketOption {
	if d < time.Millisecond || d > time.Hour {
		return refuse(fmt.Errorf("netconn: WithHandshakeTimeout(%v): must be 1ms … 1h", d))
	}
	if cfg == nil {
		return refuse(errors.New("netconn: WithTLS(nil)"))
	}
	return reactor.WithFilters(func(server bool) (func(*reactor.Wire) reactor.Filter, error) {
		if err := secure.Check(cfg, server); err != nil {
			return nil, fmt.Errorf("netconn: WithTLS: %w", err)
		}
		return func(w *reactor.Wire) reactor.Filter {
			f := &filter{w: w, limit: d, server: server, ctx: hasContext(cfg)}
			f.s = secure.New(f, cfg, server)
			return f
		}, nil
	})
}

// hasContext reports whether a callback of cfg gets the handshake's context.
func hasContext(cfg *tls.Config) bool {
	return cfg.GetCertificate != nil || cfg.GetClientCertificate != nil || cfg.GetConfigForClient != nil ||
		cfg.GetEncryptedClientHelloKeys != nil
}

func refuse(err error) reactor.SocketOption {
	return reactor.WithFilters(func(bool) (func(*reactor.Wire) reactor.Filter, error) { return nil, err })
}

// TLSState is what the handshake of a Conn with WithTLS has agreed on; false for one without, or
// before.
func TLSState(c *reactor.Conn) (tls.ConnectionState, bool) {
	f, ok := c.Filter().(*filter)
	if !ok || !f.s.Ready() {
		return tls.ConnectionState{}, false
	}
	return f.s.State(), true
}

// maxRecords is how many records of one Conn a turn of the loop decrypts. Data of a usual size
// comes in fewer: a turn reads 64 KiB. But a record may be as short as a byte, or ask for new keys.
const maxRecords = 256

// A record without data costs as much as this: new keys and an answer, 10 µs, which is what 16 KiB
// cost that are read and decrypted. Which records have none shows only afterwards, so crypto/tls
// gets no more than feedMost at a time.
const (
	emptyRecords = 16
	emptyBytes   = 16 << 10
	maxFeed      = 16
)

// A filter is TLS on a reactor's Conn. It belongs to the loop. An idle one has no goroutine: only
// the handshake has.
type filter struct {
	w       *reactor.Wire
	s       *secure.Session
	in      []byte // what Session has not taken yet: the loop's, or kept
	kept    []byte // the memory that in is kept in
	eof     bool   // after in
	records int    // how many more this turn decrypts; below 0 if some had no data
	fed     int    // records that crypto/tls got, without those that have given data
	server  bool
	ctx     bool // the config has callbacks that get a context
	cancel  context.CancelFunc
	limit   time.Duration
	until   time.Time // of the handshake
	timer   *reactor.Timer
}

func (f *filter) Open() {
	if f.ctx {
		f.until = time.Now().Add(f.limit)
	}
	f.timer = f.w.Conn().Reactor().After(f.limit, func() { f.fail(ErrHandshakeTimeout) })
	if !f.server { // a client speaks first
		f.run()
	}
}

func (f *filter) Input(p []byte) {
	f.in = p
	f.run()
	f.saveInput()
}

func (f *filter) EOF() {
	f.eof = true
	f.run()
}

func (f *filter) More() bool {
	f.run()
	f.saveInput()
	return len(f.in) > 0 || !f.w.CanDeliver()
}

// keep holds what is left of the loop's buffer.
func (f *filter) saveInput() {
	if len(f.in) == 0 {
		f.in, f.kept = nil, nil
		return
	}
	f.kept = append(f.kept[:0], f.in...)
	f.in = f.kept
}

// run goes as far as the input and the turn's records let it.
func (f *filter) run() {
	if f.records = maxRecords; f.deliverInput() {
		f.w.Keep()
	}
}

// goOn reports whether some input is left for later.
func (f *filter) deliverInput() (left bool) {
	if !f.s.Ready() && !f.handshake() {
		return f.records <= 0
	}
	room := f.w.Scratch()
	for f.w.CanDeliver() {
		n, err := f.s.Read(room)
		f.charge(n > 0)
		switch {
		case n > 0: // an error with it comes again
			f.w.Deliver(room[:n])
			if len(f.in) == 0 && !f.eof && f.s.Drained(n, len(room)) {
				return false // a Read would find nothing, and allocate for it
			}
		case err == nil:
		case err == secure.ErrAgain:
			f.fed = 0 // all were decrypted
			return f.records <= 0
		case err == io.EOF && f.s.Truncated():
			f.fail(io.ErrUnexpectedEOF)
			return false
		case err == io.EOF:
			f.in = nil // there is no more to say
			f.w.EOF()
			return false
		default:
			f.fail(err)
			return false
		}
	}
	return true
}

// charge has the turn pay for the records without data that crypto/tls must have decrypted.
func (f *filter) charge(data bool) {
	if data {
		f.fed--
	}
	if n := f.fed - maxFeed; n > 0 {
		f.fed -= n
		f.records -= n * (emptyRecords - 1)
		f.w.Spend(n * emptyBytes)
	}
}

// shake goes on with the handshake and tells whether it is over.
func (f *filter) handshake() bool {
	if f.ctx && !f.s.Began() {
		f.s.SetContext(f.context())
	}
	err := f.s.Handshake()
	switch {
	case err == secure.ErrAgain:
		return false
	case err != nil:
		f.fail(err)
		return false
	}
	f.fed = 0 // the handshake's
	f.handshakeEnded()
	f.w.Ready()
	return true
}

// context is what the config's callbacks get. It ends with the handshake's time, also while a
// callback holds the loop. On a simulated kernel the loop's timer ends it.
func (f *filter) context() (ctx context.Context) {
	if f.w.Conn().Reactor().Kernel() == kernel.Host {
		ctx, f.cancel = context.WithDeadline(context.Background(), f.until)
	} else {
		ctx, f.cancel = context.WithCancel(context.Background())
	}
	return ctx
}

// shaken ends what only the handshake needs.
func (f *filter) handshakeEnded() {
	if f.timer != nil {
		f.timer.Stop()
	}
	if f.cancel != nil {
		f.cancel()
	}
}

func (f *filter) fail(err error) {
	f.in = nil
	f.w.Fail(f.s.PublicError(err))
	f.stop()
}

func (f *filter) Output(p []byte) error {
	_, err := f.s.Write(p)
	return err
}

func (f *filter) Finish() { _ = f.s.CloseWrite() } // the wire takes all; what breaks it is told by Closed

func (f *filter) Closed() {
	f.stop()
	f.in, f.kept = nil, nil
}

func (f *filter) stop() {
	f.handshakeEnded()
	f.s.Stop()
}

// Read is the wire for the Session: what has been read, then nothing yet, or the end. When the turn
// has had its records, the rest is for the next.
func (f *filter) Read(p []byte) (int, error) {
	n, whole := f.s.PrefixOf(f.in[:min(len(p), len(f.in))], max(0, min(f.records, maxFeed)))
	copy(p, f.in[:n])
	f.in = f.in[n:]
	f.records -= whole
	f.fed += whole
	switch {
	case n > 0:
		return n, nil
	case f.eof && len(f.in) == 0:
		return 0, io.EOF
	}
	return 0, secure.ErrAgain
}

func (f *filter) Write(p []byte) (int, error) {
	f.w.Send(p)
	return len(p), nil
}

func (f *filter) LocalAddr() net.Addr  { return f.w.Conn().LocalAddr() }
func (f *filter) RemoteAddr() net.Addr { return f.w.Conn().RemoteAddr() }
func (f *filter) Outer() net.Conn      { return newHandlerConn(f.w.Conn()) }

// A handlerConn is a reactor's Conn as crypto/tls shows it to the config's callbacks. It may be
// kept, and used by any goroutine: what belongs to the loop is left to the loop.
type handlerConn struct {
	c             *reactor.Conn
	local, remote net.Addr
}

func newHandlerConn(c *reactor.Conn) handlerConn {
	return handlerConn{c, c.LocalAddr(), c.RemoteAddr()}
}

var errHandlers = errors.New("netconn: the connection is a Handler's: it sends and receives by its reactor.Conn")

// Conn belongs to the loop.
func (c handlerConn) Conn() *reactor.Conn { return c.c }

func (c handlerConn) Close() error         { return c.c.Reactor().Post(func() { _ = c.c.Close() }) }
func (c handlerConn) LocalAddr() net.Addr  { return c.local }
func (c handlerConn) RemoteAddr() net.Addr { return c.remote }

func (handlerConn) Read([]byte) (int, error)         { return 0, errHandlers }
func (handlerConn) Write([]byte) (int, error)        { return 0, errHandlers }
func (handlerConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (handlerConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (handlerConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
