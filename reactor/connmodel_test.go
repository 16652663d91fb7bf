//go:build unix

package reactor

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// This file has the model of connops_test.go: which results an operation may have, and how a Conn
// ends.

func (m *connModel) turn() {
	until := timeout.Deadline(0)
	if m.l.simulated() { // a simulated clock stands still while nobody waits
		until = m.r.Now() + timeout.Deadline(10*time.Microsecond)
	}
	err := errors.New("left")
	turn := func() { err = m.r.Turn(until) }
	if !m.traps {
		turn()
	} else { // runtime.Goexit ends the turn's goroutine; another one continues the turn
		sprung := m.sprung
		if apart(turn); m.sprung > sprung {
			return
		}
	}
	if err != nil {
		m.fatalf("Turn: %v", err)
	}
}

// allowed checks the error of an operation, and returns whether there was none.
func (m *connModel) allowed(err error, also ...error) bool {
	switch {
	case err == nil:
		if m.dead {
			m.fatalf("no error from an ended Conn")
		}
		return true
	case errors.Is(err, net.ErrClosed):
		if !m.dead && !m.c.is(released|closing) {
			m.fatalf("ErrClosed from a Conn that is open")
		}
		return false
	case m.dead:
		m.fatalf("%v from an ended Conn, want ErrClosed", err)
	case errors.Is(err, ErrWriteClosed):
		if !m.fin {
			m.fatalf("ErrWriteClosed without CloseWrite")
		}
		return false
	case m.hungUp && (errors.Is(err, kernel.EPIPE) || errors.Is(err, kernel.ECONNRESET) || errors.Is(err, kernel.ENOTCONN)):
		return false
	}
	for _, e := range also {
		if errors.Is(err, e) {
			return false
		}
	}
	m.fatalf("%v is not to be expected", err)
	return false
}

// sent checks the result of a Send of n bytes.
func (m *connModel) sent(n int, err error) {
	if isBuffered(err) {
		if m.c.Buffered()+n <= m.c.opt.cap {
			m.fatalf("refused %d bytes at %d buffered, the cap is %d", n, m.c.Buffered(), m.c.opt.cap)
		}
		if m.dead || m.fin {
			m.fatalf("%v from a closed Conn", err)
		}
		return
	}
	if m.allowed(err) {
		m.accepted += n
		if m.fin {
			m.fatalf("a Send after CloseWrite was accepted")
		}
	}
}

// total returns the number of accepted bytes, wherever they are now.
func (m *connModel) total() int {
	return int(m.r.often.bytesOut+m.r.count.Undelivered) + m.c.Buffered() + m.unsent
}

func (m *connModel) balance() {
	m.traceAgrees()
	if m.total() != m.accepted {
		m.fatalf("%d bytes out, %d lost, %d buffered, %d detached: not the %d that were accepted",
			m.r.often.bytesOut, m.r.count.Undelivered, m.c.Buffered(), m.unsent, m.accepted)
	}
}

// postSend does a PostSend if the model knows where in the stream its bytes will be. It knows that
// only outside of callbacks, and if the loop has no other work first.
func (m *connModel) postSend(n int, inside bool) {
	if inside || len(m.inside) > 0 {
		return
	}
	before := m.total()
	full := m.c.Buffered()+n > m.c.opt.cap && !m.c.is(released|closing|wantFIN|outputFailed)
	if err := m.c.PostSend(stream(m.accepted, n)); err != nil {
		m.fatalf("PostSend: %v", err)
	}
	m.turn()
	switch m.total() - before {
	case n:
		m.accepted += n
	case 0:
		if full && m.closed == 1 && isBuffered(m.closedErr) {
			return
		}
		if !m.dead && !m.fin && !m.c.is(released|closing|outputFailed) {
			m.fatalf("a PostSend of %d bytes was dropped by an open Conn", n)
		}
	default:
		m.fatalf("a PostSend of %d bytes counts as %d", n, m.total()-before)
	}
}

func (m *connModel) detach() {
	buffered := m.c.Buffered()
	fd, unsent, err := m.c.Detach()
	if err == nil && m.fin && len(unsent) > 0 {
		m.fatalf("Detach has lost a FIN behind %d bytes", len(unsent))
	}
	if err == errOwesFile && len(m.files) > 0 && buffered > 0 { // nothing has changed
		return
	}
	if err == errOwesFIN && m.fin && buffered > 0 { // nothing has changed
		return
	}
	if !m.allowed(err, errFiltered) {
		if fd != -1 || unsent != nil {
			m.fatalf("Detach: %d, %d bytes and %v", fd, len(unsent), err)
		}
		return
	}
	for i, b := range unsent {
		if b != at(m.accepted-len(unsent)+i) {
			m.fatalf("Detach gave back a wrong byte at %d of %d", i, len(unsent))
		}
	}
	m.unsent = len(unsent)
	m.dead, m.detached = true, true
	if !m.fin || len(unsent) > 0 { // otherwise Detach has sent the FIN
		m.l.k.Shutdown(fd, kernel.SHUT_WR)
	}
	for m.peer.fd >= 0 && m.read(1<<20) {
		m.l.spend(10 * time.Microsecond)
	}
	if _, e := m.l.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_TYPE); e != 0 {
		m.fatalf("the detached descriptor: %v", e)
	}
	m.l.k.Close(fd)
}

// read makes the peer read at most n bytes. It returns false at the end of the stream.
func (m *connModel) read(n int) bool {
	buf := make([]byte, 64<<10)
	for n > 0 && m.peer.fd >= 0 {
		k, e := m.peer.look(buf[:min(n, len(buf))])
		if e == kernel.EAGAIN {
			return true
		}
		if e != 0 || k == 0 {
			return false
		}
		for i, b := range buf[:k] {
			if b != at(m.received+i) {
				m.fatalf("the peer reads a wrong byte at %d", m.received+i)
			}
		}
		m.received += k
		n -= k
		if m.received > m.accepted {
			m.fatalf("the peer has read %d bytes, %d were accepted", m.received, m.accepted)
		}
	}
	return true
}

// hangUp closes the peer's end. With reset, a TCP peer sends RST.
func (m *connModel) hangUp(reset bool) {
	switch {
	case m.peer.fd < 0:
	case reset:
		m.hungUp = true
		m.peer.reset()
	default:
		m.peer.close()
	}
}

// settle resumes the Conn, and makes the peer read. Then Data must get all that the peer has sent.
func (m *connModel) settle() {
	m.do(6, 0, false)
	for turns := 0; m.shown < m.peerSent && !m.dead && !m.hungUp && !m.c.is(released|closing); turns++ {
		if turns > 1_000_000 {
			m.fatalf("Data gets no more than %d bytes, the peer has sent %d", m.shown, m.peerSent)
		}
		m.turn()
		m.read(1 << 20)
	}
}

// finish closes the Conn in order. The peer reads to the end and closes too. At the end nothing
// must be left.
func (m *connModel) finish() {
	m.inside = nil
	m.begin()
	m.settle()
	if !m.dead {
		m.do(3, 0, false)
	}
	atEnd := false
	for turns := 0; m.r.conns > 0 || m.r.closedCalls.len() > 0; turns++ {
		if turns > 3_000_000 {
			m.fatalf("does not end: state %b, wants %v", m.c.state, m.c.w.want)
		}
		m.turn()
		if m.peer.fd >= 0 && !m.read(1<<20) {
			atEnd = true
			m.hangUp(false)
		}
	}
	for m.peer.fd >= 0 { // the Conn has ended, so the remaining bytes are in the kernel
		if !m.read(1 << 20) {
			atEnd = true
			m.hangUp(false)
		}
		m.l.spend(10 * time.Microsecond)
	}
	m.balance()
	switch {
	case m.detached && m.closed != 0, !m.detached && m.closed != 1:
		m.fatalf("Closed %d times, detached: %v", m.closed, m.detached)
	case m.detached && !m.hungUp && m.received+m.unsent != m.accepted:
		m.fatalf("%d bytes received and %d detached, %d were accepted", m.received, m.unsent, m.accepted)
	case m.closed == 1 && m.closedErr == nil && atEnd && !m.hungUp && m.received != m.accepted:
		m.fatalf("closed in order: the peer has %d bytes, %d were accepted", m.received, m.accepted)
	case m.told != m.sprung:
		m.fatalf("%d callbacks did not return, and the panic handler was told %d times", m.sprung, m.told)
	case m.sprung > 0: // in Closed, or in a callback before
		if p := (*PanicError)(nil); m.early && !errors.As(m.closedErr, &p) {
			m.fatalf("Closed(%v) after a callback that did not return", m.closedErr)
		}
	case m.late && !m.relay.ready && (m.closedErr == ErrClosed || m.closedErr == io.ErrUnexpectedEOF):
	case m.in != nil && errors.Is(m.closedErr, ErrInputLimit):
	case m.closedErr != nil && !m.hungUp && !errors.Is(m.closedErr, ErrAborted) && !isBuffered(m.closedErr):
		m.fatalf("Closed(%v) though the peer did nothing wrong", m.closedErr)
	}
	if m.r.table.Len() != 0 || m.r.timers.Len() != 0 || m.c.FD() != -1 {
		m.fatalf("%d in the table, %d timers, descriptor %d", m.r.table.Len(), m.r.timers.Len(), m.c.FD())
	}
	if m.in != nil && (m.in.Buffered() != 0 || m.in.b.Held() != 0) {
		m.fatalf("the Input of a Conn that has ended has %d bytes, holds %d", m.in.Buffered(), m.in.b.Held())
	}
	m.ownsNoFile()
	if m.relay != nil && !m.relay.closed {
		m.fatalf("the Filter of a Conn that has ended is not closed")
	}
	m.r.Close()
	for m.r.Turn(0) != ErrClosed {
	}
}
