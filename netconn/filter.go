package netconn

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/reactor"
)

// maxRecords is how many records of one Conn a turn of the loop decrypts. A turn reads at most 128
// KiB, which usually contains fewer records. But a record may contain only one byte, or a request
// for new keys.
const maxRecords = 256

// A record without data may cost new keys and an answer. That takes 10 µs, as long as reading and
// decrypting 16 KiB. So such a record counts as emptyRecords records with data and as emptyBytes
// bytes. Only decryption shows whether a record has data. So crypto/tls gets at most maxFeed
// records at a time.
const (
	emptyRecords = 16       // in records with data
	emptyBytes   = 16 << 10 // in bytes
	maxFeed      = 16
)

// A filter does TLS for a Conn of a reactor. It is also the Wire of its Session. It belongs to the
// loop, and needs no goroutine.
type filter struct {
	w       *reactor.Wire
	s       *secure.Session
	in      []byte // input that the Session has not read; it is in the loop's buffer, or in kept
	kept    []byte // memory that keeps `in` between turns
	eof     bool   // the end of input follows `in`
	records int    // the turn's budget of records; negative if some had no data
	fed     int    // records that crypto/tls has read and that have returned no data so far
	server  bool
	ctx     bool // the config has a callback that uses a context
	cancel  context.CancelFunc
	limit   time.Duration
	until   time.Time // the handshake's deadline
	timer   *reactor.Timer
}

func (f *filter) Open() {
	if f.ctx {
		f.until = time.Now().Add(f.limit)
	}
	f.timer = f.w.Conn().Reactor().After(f.limit, func() { f.fail(ErrHandshakeTimeout) })
	if !f.server { // the client sends first
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

// saveInput copies the rest of the input out of the loop's buffer.
func (f *filter) saveInput() {
	if len(f.in) == 0 {
		f.in, f.kept = nil, nil
		return
	}
	f.kept = append(f.kept[:0], f.in...)
	f.in = f.kept
}

// run continues until the input or the turn's budget is used up.
func (f *filter) run() {
	if f.records = maxRecords; f.deliverInput() {
		f.w.Keep()
	}
}

// deliverInput decrypts and delivers input. It reports whether input is left for a later turn.
func (f *filter) deliverInput() (left bool) {
	if !f.s.Ready() && !f.handshake() {
		return f.records <= 0
	}
	room := f.w.Scratch()
	for f.w.CanDeliver() {
		n, err := f.s.Read(room)
		f.charge(n > 0)
		switch {
		case n > 0: // if an error came with the data, the next Read returns it again
			f.w.Deliver(room[:n])
			if len(f.in) == 0 && !f.eof && f.s.Drained(n, len(room)) {
				return false // a Read would find nothing, and would allocate
			}
		case err == nil:
		case err == secure.ErrAgain:
			f.fed = 0 // crypto/tls has decrypted all records that it has read
			return f.records <= 0
		case err == io.EOF && f.s.Truncated():
			f.fail(io.ErrUnexpectedEOF)
			return false
		case err == io.EOF:
			f.in = nil // input after close_notify has no meaning
			f.w.EOF()
			return false
		default:
			f.fail(err)
			return false
		}
	}
	return true
}

// charge reduces the turn's budget for the records without data that crypto/tls has decrypted. Of
// the records that crypto/tls has read, at most maxFeed may still be encrypted. All others were
// decrypted.
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

// handshake continues the handshake and reports whether it has succeeded.
func (f *filter) handshake() bool {
	if f.ctx && !f.s.Began() {
		f.setContext()
	}
	err := f.s.Handshake()
	switch {
	case err == secure.ErrAgain:
		return false
	case err != nil:
		f.fail(err)
		return false
	}
	f.fed = 0 // do not charge the handshake's records
	f.handshakeEnded()
	f.w.Ready()
	return true
}

// setContext sets the context for the config's callbacks. It ends at the handshake's deadline, even
// while a callback blocks the loop. On a simulated kernel the loop's timer ends the handshake, and
// crypto/tls then ends the context.
func (f *filter) setContext() {
	if f.w.Conn().Reactor().Kernel() == kernel.Host {
		var ctx context.Context
		ctx, f.cancel = context.WithDeadline(context.Background(), f.until)
		f.s.SetContext(ctx)
	}
}

// handshakeEnded stops the handshake's timer and ends its context.
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

// Finish ignores the error of CloseWrite, because the wire accepts everything. If the connection is
// broken, Closed reports that.
func (f *filter) Finish() { _ = f.s.CloseWrite() }

func (f *filter) Closed() {
	f.stop()
	f.in, f.kept = nil, nil
}

func (f *filter) stop() {
	f.handshakeEnded()
	f.s.Stop()
}

// Read returns input to the Session. Without input it returns secure.ErrAgain, or io.EOF at the
// end. When the turn's budget of records is used up, the rest of the input waits for the next turn.
func (f *filter) Read(p []byte) (int, error) {
	n, completed := f.s.PrefixOf(f.in[:min(len(p), len(f.in))], max(0, min(f.records, maxFeed)))
	copy(p, f.in[:n])
	f.in = f.in[n:]
	f.records -= completed
	f.fed += completed
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

// DescribeTLS returns the state of TLS for a picture of the loop (package inspect).
func (f *filter) DescribeTLS() *inside.TLS {
	if !f.s.Ready() {
		return &inside.TLS{Handshaking: true}
	}
	s := f.s.State()
	return &inside.TLS{Version: tls.VersionName(s.Version), Cipher: tls.CipherSuiteName(s.CipherSuite),
		ServerName: s.ServerName, ALPN: s.NegotiatedProtocol}
}

func (f *filter) LocalAddr() net.Addr  { return f.w.Conn().LocalAddr() }
func (f *filter) RemoteAddr() net.Addr { return f.w.Conn().RemoteAddr() }
func (f *filter) Outer() net.Conn      { return newHandlerConn(f.w.Conn()) }
