//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
	"github.com/ureactor/ureactor/socket"
)

// Polls of non-blocking Sockets must agree with the calls on these Sockets. The test makes many
// simulated worlds, with the rules of epoll and of kqueue. In each, it makes random steps at both
// ends of connections, until their end or a reset. After every step these rules must hold:
//
//   - A connect in progress becomes writable when the attempt has ended.
//   - A listener is readable when an accept returns a connection.
//   - A connection is ready when recv or send succeeds.
//   - A poll that waits is awake when an object is ready.
//   - Every byte arrives once, in order.
func TestPollAgreesWithCalls(t *testing.T) {
	var all plainCounts
	seeds := longtest.Count(8, 60, 1500)
	simtest.CheckWith(t, seeds, func(seed uint64) sim.Options {
		o := sslWorld(seed)
		// These faults make the kernel itself report a wrong state.
		o.Faults.Again, o.Faults.Spurious, o.Faults.EarlyWait = 0, 0, 0
		return o
	}, func(w *sim.World) error { return runPlain(w, &all) })
	if t.Failed() || all.worlds < seeds { // this runs a single seed again
		return
	}
	t.Logf("%+v", all)
	if few := seeds / 3; all.in < few || all.out < few || all.none < few || all.woken < few {
		t.Errorf("%+v: this has tested nothing", all)
	}
}

// plainCounts counts the results of polls, and how many polls had to wait.
type plainCounts struct{ worlds, in, out, none, woken int }

type plainModel struct {
	verdict
	h     *sim.Host
	task  *reactor.Task
	count *plainCounts
	p     *sel.Poll
	ends  [2]*end
}

// An end is one end of a connection.
type end struct {
	s         *socket.Socket
	sent, got int
	over      bool // it has sent its FIN, or there was a reset
}

func runPlain(w *sim.World, count *plainCounts) error {
	count.worlds++
	m := &plainModel{verdict: verdict{w: w}, h: w.Host("10.0.0.1"), count: count}
	return m.onHost(m.h, func(r *reactor.Reactor, task *reactor.Task) {
		m.task = task
		m.p = sel.NewOn(r)
		defer m.p.Close()
		m.run(func() *socket.Socket {
			s, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
			must(err)
			must(s.SetBlocking(false))
			return s
		})
	})
}

func (m *plainModel) run(open func() *socket.Socket) {
	l, client := open(), open()
	defer l.Close()
	defer client.Close()
	must(l.Bind(socket.Tuple("127.0.0.1", 0)))
	must(l.Listen(socket.DefaultBacklog))
	at, err := l.LocalAddr()
	must(err)
	if _, _, err := l.Accept(); m.said(l, sel.POLLIN) != 0 || !again(err) {
		m.fail("a listener that nobody has connected to: %v", err)
	}
	accepted := m.waits(l, sel.POLLIN)
	if err := client.Connect(at); err == nil && m.w.Kernel() == sim.FreeBSD {
		// On FreeBSD a connect to the same host ends at once.
	} else if err == nil || !errors.Is(err, syscall.EINPROGRESS) {
		m.fail("Connect: %v", err)
	} else if _, err := client.Send([]byte{0}); m.said(client, sel.POLLOUT) != 0 || !again(err) {
		m.fail("a connect in progress: %v", err)
	}
	connected := m.waits(client, sel.POLLOUT)
	connected()
	if err := client.Connect(at); !errors.Is(err, syscall.EISCONN) {
		m.fail("Connect after POLLOUT: %v", err)
	}
	accepted()
	server, _, err := l.Accept()
	if err != nil {
		m.fail("POLLIN, and Accept is %v", err)
		return
	}
	defer server.Close()
	must(server.SetBlocking(false))
	m.ends = [2]*end{{s: client}, {s: server}}
	for range 100 {
		m.step(m.h.Rand().Int(2))
		for i, e := range m.ends {
			m.check(e, m.ends[1-i])
		}
		if m.h.Rand().Int(5) == 0 {
			m.asleep(m.h.Rand().Int(2))
		}
		if m.err != nil {
			return
		}
	}
	m.w.SetFaults(sim.Faults{})
	for i, e := range m.ends { // everything that is on its way arrives
		for from := m.ends[1-i]; m.err == nil && !from.over && !e.over && e.got < from.sent; {
			m.waits(e.s, sel.POLLIN)()
			m.recv(e, from, 1<<20)
		}
	}
}

// said returns the result of a poll of the socket that does not wait.
func (m *plainModel) said(s *socket.Socket, mask sel.Events) sel.Events {
	must(m.p.Register(s, mask))
	events, err := m.p.Poll(0)
	must(m.p.Unregister(s))
	switch {
	case err != nil || len(events) > 1:
		m.fail("Poll: %v, %v", events, err)
	case len(events) == 1:
		return events[0].Events
	}
	return 0
}

// waits starts a task that polls the socket until it is ready. The function join waits for that
// task. If the poll misses the Event, join never returns.
func (m *plainModel) waits(s *socket.Socket, mask sel.Events) (join func()) {
	p := sel.NewOn(m.task.Reactor())
	must(p.Register(s, mask))
	waiter := m.task.Go(func(*reactor.Task) {
		defer p.Close()
		events, err := p.Poll(-1)
		if err != nil || len(events) != 1 || events[0].Events&(mask|sel.POLLERR|sel.POLLHUP) == 0 {
			m.fail("a poll that waits for %v: %v, %v", mask, events, err)
		}
	})
	must(m.task.Sleep(0))
	return func() {
		_, err := m.task.Join(waiter)
		must(err)
	}
}

func (m *plainModel) some() int {
	r := m.h.Rand()
	return 1 + r.Int([]int{6, 600, 5000, 200_000}[r.Int(4)])
}

func (m *plainModel) step(i int) {
	e, other := m.ends[i], m.ends[1-i]
	switch m.h.Rand().Int(12) {
	case 0, 1, 2, 3:
		m.send(e, m.some())
	case 4, 5, 6, 7:
		m.recv(e, other, m.some())
	case 8, 9, 10:
		must(m.task.Sleep(time.Second))
	case 11:
		switch m.h.Rand().Int(20) {
		case 0:
			_ = e.s.Shutdown(socket.SHUT_WR) // a second call, or a call after a reset, does nothing
			e.over = true
		case 1:
			if e.s.Fileno() >= 0 {
				must(e.s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
				must(e.s.Close())
			}
			e.over, other.over = true, true
		}
	}
}

func (m *plainModel) send(e *end, n int) error {
	n, err := e.s.Send(patterned(e.sent, n))
	if e.sent += n; err != nil && !again(err) && !e.over {
		m.fail("Send: %v", err)
	}
	return err
}

func (m *plainModel) recv(e, from *end, n int) error {
	p, err := e.s.Recv(n)
	if bad := wrong(p, e.got); bad != nil {
		m.fail("%v", bad)
	}
	if e.got += len(p); err == nil && len(p) == 0 && !from.over || err != nil && !again(err) && !e.over {
		m.fail("Recv: %d bytes, %v", len(p), err)
	}
	return err
}

// check compares a poll with calls that move one byte. A kernel may accept some bytes before it
// reports room. If there is no room, it must accept none.
func (m *plainModel) check(e, from *end) {
	if e.s.Fileno() < 0 {
		if said := m.said(e.s, sel.POLLIN); said != sel.POLLNVAL {
			m.fail("closed, and a poll says %v", said)
		}
		return
	}
	mask := []sel.Events{sel.POLLIN, sel.POLLOUT, sel.POLLIN | sel.POLLOUT}[m.h.Rand().Int(3)]
	raw, errno := m.h.Ready(e.s.Fileno())
	must(errnoOf(errno))
	said := m.said(e.s, mask)
	after, errno := m.h.Ready(e.s.Fileno())
	must(errnoOf(errno))
	if raw != after || m.h.Rand().Int(2) == 0 {
		return // input has come during the poll; otherwise the state would be the same
	}
	if mask&sel.POLLOUT != 0 {
		took := !again(m.send(e, 1))
		if said&sel.POLLOUT != 0 && !took || said&sel.POLLOUT == 0 && took && raw&poller.Out != 0 {
			m.fail("a poll for %v says %v, and Send has done something: %v", mask, said, took)
		}
		m.count.out++
	}
	if mask&sel.POLLIN != 0 {
		if gave := !again(m.recv(e, from, 1)); gave != (said&sel.POLLIN != 0) {
			m.fail("a poll for %v says %v, and Recv has done something: %v", mask, said, gave)
		}
		m.count.in++
	}
	if said == 0 {
		m.count.none++
	}
}

// asleep makes a poll wait for an event. Then it makes the other end cause that event.
func (m *plainModel) asleep(i int) {
	e, other := m.ends[i], m.ends[1-i]
	mask := []sel.Events{sel.POLLIN, sel.POLLOUT}[m.h.Rand().Int(2)]
	if e.s.Fileno() < 0 || other.s.Fileno() < 0 || m.said(e.s, mask) != 0 || other.over && mask == sel.POLLIN {
		return
	}
	m.count.woken++
	join := m.waits(e.s, mask)
	for range 20 {
		if mask == sel.POLLIN {
			m.send(other, 1)
		}
		for !again(m.recv(other, e, 1<<20)) && m.err == nil && other.got < e.sent {
		}
		must(m.task.Sleep(time.Second))
	}
	join()
}
