//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"crypto/tls"
	"errors"
	"io"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
	"github.com/ureactor/ureactor/socket"
)

// Polls of a non-blocking SSLSocket must agree with the calls on it. The test makes many simulated
// worlds. They have small buffers, and the rules of epoll or of kqueue. Calls move few bytes or
// none, and some sockets one byte at a time. Random steps write, read, deliver parts of records,
// request new keys, and cause the end or a reset, during the handshake or after it. After each step
// these rules must hold:
//
//   - If a poll reports POLLIN, a Read of one byte does not return EAGAIN. The same holds for
//     POLLOUT and a Write of one byte.
//   - If a poll does not report it, the call returns EAGAIN, unless a fault hides the state.
//   - A poll that waits is awake when the socket is ready.
//   - Every byte arrives once, in order.
//
// The test counts how often the steps have reached each state.
func TestSSLPollAgreesWithItsCalls(t *testing.T) {
	var all sslCounts
	seeds := longtest.Count(8, 40, 2000)
	simtest.CheckWith(t, seeds, sslWorld, func(w *sim.World) error { return runSSL(w, &all) })
	if t.Failed() || all.worlds < seeds { // this runs a single seed again
		return
	}
	t.Logf("%+v", all)
	for what, n := range map[string]int{"buffered": all.buffered, "full": all.full, "woken": all.woken, "renewed": all.renewed, "ends": all.ends, "cut": all.cut} {
		if n < seeds/4 {
			t.Errorf("%s only %d times: this has tested nothing", what, n)
		}
	}
}

// sslCounts counts how often certain states have occurred.
type sslCounts struct {
	worlds   int
	buffered int // POLLIN although the kernel has no input
	full     int // Writes of which the kernel has refused a part
	woken    int // polls that had to wait
	renewed  int // changes of keys
	ends     int // close_notify was received
	cut      int // FINs inside of a record, and resets
}

func sslWorld(seed uint64) sim.Options {
	o := sim.Options{SizesOnly: true, Buffer: []int{1 << 10, 2 << 10, 5 << 10, 64 << 10}[seed%4], Kernel: []sim.Kernel{5: sim.FreeBSD, 6: sim.NetBSD, 7: sim.FreeBSD}[seed%8]}
	if seed%3 > 0 {
		o.Faults = sim.Faults{ShortRead: 20 * sim.Percent, ShortWrite: 20 * sim.Percent, OneByte: 2 * sim.Percent,
			Spurious: 5 * sim.Percent, EarlyWait: 5 * sim.Percent, Interrupt: 5 * sim.Percent}
	}
	if seed%3 == 2 {
		o.Faults.Again = 20 * sim.Percent
	}
	return o
}

type sslModel struct {
	verdict
	h     *sim.Host
	task  *reactor.Task
	count *sslCounts
	exact bool // no fault hides readiness

	s         *socket.SSLSocket
	p         *sel.Poll
	mask      sel.Events
	far       *far
	sent, got int
	over      bool // reading has ended
	broken    bool // writing has ended
	began     bool // the handshake has begun
	failed    bool // a call has returned an error that ends reading
	writing   bool // a Write of the next byte may have to wait
	cut       bool // the far end has ended the connection inside of a record or by a reset
}

func runSSL(w *sim.World, count *sslCounts) error {
	count.worlds++
	m := &sslModel{verdict: verdict{w: w}, h: w.Host("10.0.0.1"), count: count, exact: w.Seed()%3 < 2}
	return m.onHost(m.h, func(r *reactor.Reactor, task *reactor.Task) {
		m.task = task
		m.run(r)
	})
}

func (m *sslModel) run(r *reactor.Reactor) {
	server := m.w.Seed()%2 == 0
	version := uint16(tls.VersionTLS13)
	if m.w.Seed()%5 == 4 {
		version = tls.VersionTLS12
	}
	near, other := (&lab{r: r}).connected(0)
	must(near.SetBlocking(false))
	must(other.SetBlocking(false))
	o := socket.SSLOptions{DeferHandshake: true}
	if server {
		o.Key, o.Cert = sslKey, sslCert
	}
	var err error
	m.s, err = socket.WrapSSL(near, server, o)
	must(err)
	defer m.s.Close()
	m.far = newFar(other, !server, version)
	defer m.far.s.Close()
	defer m.far.tls.Stop()
	m.p = sel.NewOn(r)
	defer m.p.Close()
	must(m.p.Register(m.s, sel.POLLIN))
	m.mask = sel.POLLIN
	if m.h.Rand().Int(2) == 0 { // otherwise the handshake is made step by step
		for _, suite := m.suite(); suite == "" && m.err == nil; _, suite = m.suite() {
			m.deliver()
			m.poll()
		}
	}
	for range 100 {
		if m.step(); m.err == nil {
			m.check()
		}
		if m.err == nil && m.h.Rand().Int(6) == 0 {
			m.asleep()
		}
		if m.far.err != nil {
			m.fail("the far end: %v", m.far.err)
		}
		if m.err != nil {
			return
		}
	}
	m.finish()
}

func (m *sslModel) suite() (string, string) { s, v := m.s.Cipher(); return v, s }

// some returns a size: a few bytes, a part of a record, or several records.
func (m *sslModel) some() int {
	r := m.h.Rand()
	return 1 + r.Int([]int{6, 60, 2000, 20_000}[r.Int(4)])
}

// step makes one random step.
func (m *sslModel) step() {
	f := m.far
	switch m.h.Rand().Int(20) {
	case 0, 1:
		if !m.writing {
			m.write(m.some())
		}
	case 2, 3:
		m.read(m.some())
	case 4, 5, 6:
		f.say(m.some())
		f.push(m.some())
	case 7, 8, 9:
		f.push(m.some())
	case 10, 11, 12:
		f.pull(m.some())
	case 13:
		if f.renew() {
			m.count.renewed++
		}
		f.push(m.some())
	case 14, 15, 16:
		m.settle()
	case 17:
		m.deliver()
	case 18:
		if m.h.Rand().Int(4) == 0 {
			f.closeNotify()
			f.push(m.some())
		}
	case 19:
		if n := m.h.Rand().Int(12); n < 2 && !m.cut {
			m.cut = true
			m.count.cut++
			f.end(n == 1)
		}
	}
}

// settle waits until everything that is on its way has arrived.
func (m *sslModel) settle() { must(m.task.Sleep(time.Second)) }

// deliver makes everything arrive that both ends have sent so far.
func (m *sslModel) deliver() {
	f := m.far
	for quiet := 0; quiet < 2; quiet++ { // twice, because a fault may have hidden input
		pushed := f.push(math.MaxInt)
		m.settle()
		if f.pull(math.MaxInt) || pushed {
			quiet = -1
		}
	}
}

func (m *sslModel) write(n int) (err error) {
	m.began = true
	if n, err = m.s.Write(patterned(m.sent, n)); n == 0 && err == nil {
		m.fail("a Write of nothing")
	}
	m.sent += n
	if err != nil && n > 0 {
		m.count.full++
	}
	if err != nil && !again(err) {
		m.broken = true
		_, shaken := m.suite()
		m.failed = m.failed || errors.Is(err, syscall.EPROTO) || shaken == ""
		if !m.cut {
			m.fail("Write: %v", err)
		}
	}
	return err
}

func (m *sslModel) read(n int) (err error) {
	m.began = true
	p := make([]byte, n)
	if n, err = m.s.Read(p); n == 0 && err == nil {
		m.fail("a Read of nothing")
	}
	if e := wrong(p[:n], m.got); e != nil || n > 0 && m.over {
		m.fail("from the peer: %d bytes, reading is over: %v, %v", n, m.over, e)
	}
	m.got += n
	switch {
	case err == nil || again(err):
	case err != io.EOF && !m.cut, m.far.sent != m.got && !m.cut, !m.far.bye:
		m.fail("Read: %v after %d of %d bytes", err, m.got, m.far.sent)
	default:
		if !m.over && err == io.EOF {
			m.count.ends++
		}
		m.failed = m.failed || err != io.EOF
		m.over = true
	}
	return err
}

// poll returns the result of a poll that does not wait.
func (m *sslModel) poll() sel.Events {
	m.began = m.began || m.mask&sel.POLLOUT == 0
	events, err := m.p.Poll(0)
	if err != nil || len(events) > 1 {
		m.fail("Poll: %v, %v", events, err)
	}
	if len(events) == 0 {
		return 0
	}
	return events[0].Events
}

// finish checks that everything arrives when there are no more faults, with polls that wait.
func (m *sslModel) finish() {
	m.w.SetFaults(sim.Faults{})
	f := m.far
	if !m.cut && m.err == nil {
		for i := 0; !f.bye && i < 1000; i++ { // the handshake may not be complete
			m.deliver()
			m.poll()
			f.closeNotify()
		}
	}
	m.deliver()
	for m.err == nil && !m.over {
		m.await(sel.POLLIN)
		if err := m.read(m.some()); again(err) {
			m.fail("POLLIN, and Read is %v", err)
		}
	}
	for m.err == nil && !m.broken && !m.cut {
		m.deliver()
		m.await(sel.POLLOUT)
		m.deliver()
		break
	}
	switch {
	case m.err == nil && f.err != nil:
		m.fail("the far end: %v", f.err)
	case m.err == nil && !m.cut && (m.got != f.sent || f.got != m.sent):
		m.fail("%d of %d bytes and %d of %d have arrived", m.got, f.sent, f.got, m.sent)
	}
}
