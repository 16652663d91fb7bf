package socket

import (
	"errors"
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/poller"
)

// streamWire is the type with which an SSLStream is the wire of its Session.
type streamWire SSLStream

func (w *streamWire) Read(p []byte) (int, error) {
	if w.still.Load() {
		return 0, secure.ErrAgain
	}
	n, err := w.stream.Read(p)
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, kernel.EAGAIN):
		return 0, secure.ErrAgain
	case err == nil:
		return 0, io.EOF
	}
	return 0, err
}

func (w *streamWire) Write(p []byte) (int, error) {
	w.outMu.Lock()
	w.out = append(w.out, p...)
	w.outMu.Unlock()
	if w.still.Load() {
		return len(p), nil
	}
	if err := (*SSLStream)(w).flush(); err != nil && !errors.Is(err, kernel.EAGAIN) {
		return 0, err
	}
	return len(p), nil
}

func (w *streamWire) LocalAddr() net.Addr  { return sslAddr{} }
func (w *streamWire) RemoteAddr() net.Addr { return sslAddr{} }

func init() {
	inside.Under = func(s any) inside.Layer { return (*layer)(s.(*SSLStream)) }
}

// layer is the type with which an SSLStream is an inside.Layer, for package sel.
type layer SSLStream

// Stream returns the stream below, which a poll must ask.
func (s *layer) Stream() any { return s.stream }

// Ask returns the readiness for which a poll for `want` must ask the stream. `has` is the readiness
// that is already known. If it covers `want`, the poll need not ask the stream. EBADF means that
// the SSLStream is closed or has failed.
func (s *layer) Ask(want poller.Interest) (ask poller.Interest, has poller.Readiness, e kernel.Errno) {
	s.stateMu.Lock()
	asks, over := s.asks, s.closed || s.failed != nil
	s.stateMu.Unlock()
	if over {
		return 0, 0, kernel.EBADF
	}
	if ask = want; asks != 0 && want&(poller.In|poller.Out) != 0 {
		ask = want&^(poller.In|poller.Out) | asks
	}
	if want&poller.In != 0 && (*SSLStream)(s).buffered() {
		has = poller.In
	}
	return ask, has, 0
}
