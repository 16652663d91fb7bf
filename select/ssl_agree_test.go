//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
)

// check compares a poll with the calls.
func (m *sslModel) check() {
	m.mask = []sel.Events{sel.POLLIN, sel.POLLOUT, sel.POLLIN | sel.POLLOUT}[m.h.Rand().Int(3)]
	must(m.p.Modify(m.s, m.mask))
	raw, e := m.h.Ready(m.s.Fileno())
	if e != 0 {
		m.fail("Ready: %v", e)
	}
	said := m.poll()
	if said&sel.POLLIN != 0 && raw&poller.In == 0 {
		m.count.buffered++
	}
	if (said == sel.POLLNVAL) != m.failed {
		m.fail("a poll says %v, and a call has returned an error that will not pass: %v", said, m.failed)
	}
	if m.h.Rand().Int(2) == 0 { // otherwise the input stays
		m.probe(said)
	}
}

// probe makes calls of one byte: those that the poll has reported as ready, and the others. A Read
// may have to answer a request for new keys, and then a Write must wait. So the Read comes second.
func (m *sslModel) probe(said sel.Events) {
	began := m.began // its value when the poll was made
	m.compare("Write", m.write, said, sel.POLLOUT, began)
	m.compare("Read", m.read, said, sel.POLLIN, began)
}

func (m *sslModel) compare(what string, call func(int) error, said, bit sel.Events, began bool) {
	if m.mask&bit == 0 || m.err != nil {
		return
	}
	err := call(1)
	gone := said&sel.POLLHUP != 0 || m.cut && m.w.Kernel() == sim.NetBSD // NetBSD never reports HUP
	if said == sel.POLLNVAL {
		bit = sel.POLLNVAL
	}
	switch {
	case !began && again(err): // POLLOUT means that the call begins the handshake
	// After the end of a connection no call returns EAGAIN.
	case said&bit != 0 && again(err) && (m.exact || !gone):
		m.fail("a poll for %v says %v, and %s is %v", m.mask, said, what, err)
	case said&bit == 0 && !again(err) && m.exact:
		m.fail("a poll for %v says %v, and %s is %v", m.mask, said, what, err)
	}
}

// asleep makes a poll or a call wait for an event, and the model continues. When the event has
// come, the poll or the call must not sleep any longer.
func (m *sslModel) asleep() {
	done := false
	if m.h.Rand().Int(2) == 0 {
		m.write(20_000) // so that no Event reports room for writing
	}
	waiter := m.wait(&done)
	if waiter == nil {
		return
	}
	m.count.woken++
	for range m.h.Rand().Int(6) {
		m.step()
		for range m.h.Rand().Int(10) { // the Events of this input are consumed
			m.poll()
		}
		m.look(&done)
	}
	for i := 0; !done && m.err == nil && i < 1000; i++ {
		m.far.say(1)
		m.deliver()
		m.look(&done)
	}
	if !done {
		m.fail("what waits for %v still sleeps", m.mask)
		waiter.Cancel()
	}
	_, err := m.task.Join(waiter)
	must(err)
	m.writing = false
}

// wait makes a task wait, unless the event has already come.
func (m *sslModel) wait(done *bool) *reactor.Task {
	call := func() {
		m.began = m.began || m.mask&sel.POLLOUT == 0
		events, err := m.p.Poll(-1)
		if err != nil || len(events) != 1 {
			m.fail("a poll that waits: %v, %v", events, err)
			return
		}
		must(m.s.SetBlocking(false))
		m.probe(events[0].Events)
	}
	switch m.h.Rand().Int(4) {
	case 0:
		if !again(m.read(1)) {
			return nil
		}
		m.mask, call = sel.POLLIN, func() { m.waited(m.read(1)) }
	case 1:
		if !again(m.write(1)) {
			return nil
		}
		m.mask, call = sel.POLLOUT, func() { m.waited(m.write(1)) }
	default:
		if m.poll() != 0 {
			return nil
		}
	}
	must(m.p.Modify(m.s, m.mask))
	must(m.s.SetBlocking(true)) // for the call that waits; it has begun when the mode changes again
	defer m.s.SetBlocking(false)
	waiter := m.task.Go(func(*reactor.Task) {
		defer func() { *done = true }()
		call()
	})
	must(m.task.Sleep(0))
	m.writing = m.mask == sel.POLLOUT
	return waiter
}

func (m *sslModel) waited(err error) {
	if again(err) {
		m.fail("a call that waits for %v: %v", m.mask, err)
	}
}

// look checks that a sleeping poll has missed nothing, when everything that was on its way has
// arrived. A kernel accepts some bytes before it reports room.
func (m *sslModel) look(done *bool) {
	m.settle()
	if *done || m.err != nil {
		return
	}
	raw, e := m.h.Ready(m.s.Fileno())
	must(errnoOf(e))
	for i, want := range []poller.Interest{poller.In, poller.Interest(poller.Out & raw)} {
		if m.mask&[]sel.Events{sel.POLLIN, sel.POLLOUT}[i] == 0 || want == 0 {
			continue
		}
		ready, e := inside.Secure(m.s).PollReady(want)
		must(errnoOf(e))
		if ready == 0 {
			continue
		}
		m.settle() // a fault may have hidden the readiness from the poll until now
		if !*done {
			m.fail("%v is ready, and what waits for %v sleeps", ready, m.mask)
		}
	}
}

func (m *sslModel) await(mask sel.Events) {
	must(m.p.Modify(m.s, mask))
	done := false
	waiter := m.task.Go(func(*reactor.Task) {
		events, err := m.p.Poll(60_000)
		if err != nil || len(events) != 1 {
			m.fail("at the end a poll for %v: %v, %v", mask, events, err)
		}
		done = true
	})
	for !done {
		m.deliver()
	}
	_, err := m.task.Join(waiter)
	must(err)
}
