//go:build unix

package reactor

import (
	"errors"
	"os"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// This file has a part of the model of connops_test.go: how its Conn is made, and some operations.

// size converts a byte to a size from 0 to 1 MiB. Small sizes, and sizes near the limits of the
// cork, are frequent.
func size(arg byte) int {
	switch {
	case arg < 16:
		return int(arg)
	case arg < 32:
		return corkMax - 8 + int(arg-16)
	}
	return int(arg) * int(arg) * 16
}

// open makes the Conn in the way in which a Listener makes one.
func (m *connModel) open(fd int, kind byte) {
	opt, _ := newSockOptions("listen", eachOption[ListenOption](nil, nil))
	opt.tcp, opt.edge = m.tcp, m.tcp && kernel.ReadsFully(m.l.k)
	if kind&2 != 0 {
		opt.low, opt.high, opt.cap = 10_000, 50_000, 300_000
	}
	m.c = &Conn{opt: opt}
	m.c.w.open(m.r, fd, m.c)
	m.r.conns++
	opt.filter = m.filter(kind)
	m.c.attachFilter()
	m.c.setHandler(m.handler(kind&4 != 0))
	m.c.established()
}

// attach makes the Conn by Attach, with input that was received before.
func (m *connModel) attach(fd int, kind byte) {
	var opts []SocketOption
	if kind&2 != 0 {
		opts = append(opts, WithLimits(10_000, 50_000, 300_000))
	}
	m.peerSent = int(kind)
	c, err := m.r.Attach(fd, stream(0, m.peerSent), m.handler(kind&4 != 0), opts...)
	if err != nil {
		m.fatalf("Attach: %v", err)
	}
	m.c = c
	if f := m.filter(kind); f != nil && !c.is(released|closing|wantFIN|outputFailed) {
		if err := c.StartFilter(nil, f); err != nil {
			m.fatalf("StartFilter: %v", err)
		}
	}
}

// handler returns a new handler, with a method EOF or without. It fails the test if the handler is
// called although another one was set later.
func (m *connModel) handler(eof bool) Handler {
	m.handlers++
	id := m.handlers
	mine := func(what string) {
		if id != m.handlers {
			m.fatalf("%s of handler %d, and the Conn has handler %d", what, id, m.handlers)
		}
	}
	call := func(what string) { mine(what); m.callback(what) }
	h := &eofHooks{hooks{
		data:    func(_ *Conn, p []byte) { mine("Data"); m.data(p) },
		closed:  func(_ *Conn, err error) { mine("Closed"); m.toldClosed(err) },
		timeout: func(*Conn, TimeoutKind) { call("Timeout") },
		drained: func(*Conn) { call("Drained") },
		opened:  func(*Conn) { call("Opened") },
	}, func(*Conn) { call("EOF") }}
	if eof {
		return h
	}
	return &h.hooks
}

// more makes one of the operations with the higher numbers.
func (m *connModel) more(op byte, n int, inside bool) {
	switch opNames[op] {
	case "SetHandler":
		ended := m.c.is(released) // after Close, the new handler still gets Closed
		before := m.handlers
		h := m.handler(n%2 == 0)
		if err := m.c.SetHandler(h); (err == nil) == ended || err != nil && err != ErrClosed {
			m.fatalf("SetHandler: %v, the Conn has ended: %v", err, ended)
		} else if err != nil {
			m.handlers = before
		}
	case "SetKeepAlivePeriod":
		m.allowed(m.c.SetKeepAlivePeriod(time.Duration(n%1000+1)*time.Second), kernel.ENOTSUP, kernel.EOPNOTSUPP, kernel.EINVAL, kernel.ENOPROTOOPT)
	case "SendFile":
		m.sendFile(min(n, 100_000))
	case "SendRights":
		m.sendRights(n)
	case "StartFilter":
		m.startFilter(n, inside)
	case "input":
		m.useInput(n)
	}
}

// startFilter starts a Filter on a Conn in any state.
func (m *connModel) startFilter(n int, inside bool) {
	rest := m.rest
	had, fin, dead, late := m.relay != nil, m.fin, m.dead, n%2 == 1
	var err error
	start := func() {
		err = m.c.StartFilter(rest, func(w *Wire) Filter {
			m.late, m.relay, m.rest = late, &relay{m: m, w: w}, nil
			return m.relay
		})
	}
	if sprung := m.sprung; !m.traps || inside {
		start()
	} else if apart(start); m.sprung > sprung { // Opened is called at once, and may call Goexit
		return
	}
	switch {
	case err == nil:
		if had || fin || dead {
			m.fatalf("StartFilter has succeeded, with a Filter: %v, after CloseWrite: %v, after the end: %v", had, fin, dead)
		}
	case !dead && m.inputIsKept(err):
	case dead, err != errHasFilter && err != errNoInput:
		m.allowed(err)
	case err == errHasFilter && !had, err == errNoInput && !m.peerFIN && !m.hungUp:
		m.fatalf("%v", err)
	}
}

// sendFile sends a file. If SendFile accepts the file, it belongs to the Conn, otherwise to the
// model.
func (m *connModel) sendFile(n int) {
	f, err := os.CreateTemp("", "connops")
	if err == nil {
		_, err = f.Write(stream(m.accepted, n))
	}
	if err == nil {
		err = os.Remove(f.Name())
	}
	if err != nil {
		m.fatalf("%v", err)
	}
	err = m.c.SendFile(f, 0, int64(n))
	if (err == errFileFiltered) != (m.relay != nil) {
		m.fatalf("SendFile: %v; with a Filter: %v", err, m.relay != nil)
	}
	if m.relay == nil && m.allowed(err) {
		m.accepted += n
		m.files = append(m.files, f)
		if m.fin {
			m.fatalf("a SendFile after CloseWrite was accepted")
		}
		return
	}
	if err := f.Close(); err != nil {
		m.fatalf("a SendFile that failed has closed the file: %v", err)
	}
}

// sendRights sends a descriptor if the Conn is a Unix Conn.
func (m *connModel) sendRights(n int) {
	fd, e := m.l.k.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	if e != 0 {
		m.fatalf("socket: %v", e)
	}
	err := m.c.SendRights(stream(m.accepted, n), fd)
	if e := m.l.k.Close(fd); e != 0 {
		m.fatalf("SendRights has closed the sender's descriptor: %v", e)
	}
	switch {
	case n == 0:
		if !errors.Is(err, kernel.EINVAL) && !errors.Is(err, errNoRights) {
			m.fatalf("SendRights with 0 bytes: %v", err)
		}
	case m.tcp || m.relay != nil:
		if !errors.Is(err, errNoRights) {
			m.fatalf("SendRights over TCP or with a Filter: %v", err)
		}
	case isBuffered(err): // nothing was sent
	case m.allowed(err):
		m.accepted += n
	}
}

// ownsNoFile checks that a Conn that has ended has closed all its files.
func (m *connModel) ownsNoFile() {
	for i, f := range m.files {
		if !closedFile(f) {
			m.fatalf("file %d of %d is open", i, len(m.files))
		}
	}
}
