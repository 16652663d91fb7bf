package sel_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	sel "github.com/ureactor/ureactor/select"
)

// The test makes random calls on two Polls. After each, each Poll must have the same results as
// poll(2), for every registered object. Sockets are opened, closed, used and reset, and their
// numbers are reused at once.
func TestPollAgainstPoll2(t *testing.T) {
	longtest.Checks(t, 3, 20, 500)
	both(t, func(l *lab) {
		rapid.Check(l.TB, func(t *rapid.T) {
			m := &model{l: l, t: t}
			for range m.polls {
				p := l.poll()
				defer p.Close()
				m.polls[len(m.masks)] = p
				m.masks = append(m.masks, is{})
			}
			defer l.closeAll()
			t.Repeat(map[string]func(*rapid.T){
				"": m.check, "open": m.open, "register": m.register, "modify": m.modify, "unregister": m.unregister,
				"write": m.write, "urgent": m.urgent, "read": m.read, "fill": m.fill, "end": m.end, "close": m.close, "reset": m.reset, "one-shot": m.oneShot,
				"wait": m.wait,
			})
		})
	})
}

type model struct {
	l     *lab
	t     *rapid.T
	polls [2]*sel.Poll
	masks []is           // for each Poll: the masks of its registrations
	all   []sel.Pollable // all objects so far: *object, *twin, FD, *ready
	socks []*object
}

type twin struct{ *object }

func (m *model) open(t *rapid.T) {
	var a, b *object
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		a, b = m.l.pair()
	case 1:
		a, b = m.l.dial()
	case 2:
		a, b = m.l.tcp(), m.l.udp()
	case 3:
		a, b = m.l.udp(), m.l.udp()
		done(m.l.k.Connect(a.d.FD, b.addr()))
		done(m.l.k.Connect(b.d.FD, a.addr()))
	case 4:
		o := &ready{}
		o.state.Store(int64(rapid.SampledFrom([]sel.Events{0, IN, OUT | HUP}).Draw(t, "state")))
		m.all = append(m.all, o)
		return
	case 5: // the number of a Poll, which the other Poll gets
		m.all = append(m.all, sel.FD(m.polls[m.pollOf(t)].Desc().FD))
		return
	case 6:
		m.all = append(m.all, m.l.unopened(rapid.IntRange(0, 9).Draw(t, "unopened")))
		return
	case 7:
		if m.l.isSimulated() {
			t.Skip("no SOCK_SEQPACKET there")
		}
		a, b = m.l.pairOf(kernel.SOCK_SEQPACKET)
	}
	m.socks = append(m.socks, a, b)
	m.all = append(m.all, a, b, &twin{a}, sel.FD(b.d.FD))
}

func (m *model) any(t *rapid.T) sel.Pollable {
	if len(m.all) == 0 {
		t.Skip("nothing there")
	}
	return m.all[rapid.IntRange(0, len(m.all)-1).Draw(t, "object")]
}

func (m *model) sock(t *rapid.T) *object {
	if len(m.socks) == 0 {
		t.Skip("nothing there")
	}
	return m.socks[rapid.IntRange(0, len(m.socks)-1).Draw(t, "socket")]
}

func mask(t *rapid.T) sel.Events {
	return rapid.SampledFrom([]sel.Events{0, IN, OUT, IN | OUT, sel.POLLPRI, IN | sel.POLLPRI, ERR | HUP | NVAL}).Draw(t, "mask")
}

func (m *model) pollOf(t *rapid.T) int { return rapid.IntRange(0, 1).Draw(t, "poll") }

func (m *model) register(t *rapid.T) {
	o, i, ev := m.any(t), m.pollOf(t), mask(t)
	must(m.polls[i].Register(o, ev))
	m.masks[i][o] = ev
}

func (m *model) modify(t *rapid.T) {
	o, i, ev := m.any(t), m.pollOf(t), mask(t)
	err := m.polls[i].Modify(o, ev)
	if _, known := m.masks[i][o]; known != (err == nil) {
		t.Fatalf("Modify: %v, registered: %v", err, known)
	} else if known {
		m.masks[i][o] = ev
	}
}

func (m *model) unregister(t *rapid.T) {
	o, i := m.any(t), m.pollOf(t)
	must(m.polls[i].Unregister(o))
	delete(m.masks[i], o)
}

func (m *model) write(t *rapid.T) { m.l.k.Send(m.sock(t).fd(), []byte("xyz"), 0) }

// urgent sends an urgent byte of TCP. Other sockets refuse it. A simulated kernel has no urgent
// bytes.
func (m *model) urgent(t *rapid.T) {
	if o := m.sock(t); !m.l.isSimulated() {
		m.l.k.Send(o.fd(), []byte("!"), kernel.MSG_OOB)
	}
}

func (m *model) read(t *rapid.T) {
	var p [1 << 12]byte
	m.l.k.Recv(m.sock(t).fd(), p[:], 0)
}

func (m *model) fill(t *rapid.T) {
	p := make([]byte, 1<<16)
	for o := m.sock(t); ; {
		if _, e := m.l.k.Send(o.fd(), p, 0); e != 0 {
			return
		}
	}
}

func (m *model) end(t *rapid.T) { m.l.k.Shutdown(m.sock(t).fd(), rapid.IntRange(0, 2).Draw(t, "how")) }

func (m *model) close(t *rapid.T) {
	o := m.sock(t)
	if o.fd() < 0 {
		return
	}
	// To close a registered number is misuse. Another file may get that number, for example the
	// Poll's own.
	number := sel.FD(o.d.FD)
	m.all = slices.DeleteFunc(m.all, func(o sel.Pollable) bool { return o == number })
	for i, p := range m.polls {
		must(p.Unregister(number))
		delete(m.masks[i], number)
	}
	o.close()
}

func (m *model) reset(t *rapid.T) {
	m.sock(t).lingers()
	m.close(t)
}

func (m *model) oneShot(t *rapid.T) {
	i, n := m.pollOf(t), rapid.IntRange(0, 3).Draw(t, "walked")
	_, err := m.polls[i].IPoll(0, 1)
	must(err)
	for range n {
		o, _, ok := m.polls[i].Next()
		if !ok {
			break
		}
		m.masks[i][o] = 0
	}
}

// wait compares the results of a poll with a timeout.
func (m *model) wait(t *rapid.T) { m.compare(t, m.pollOf(t), 1) }

func (m *model) check(t *rapid.T) {
	for i := range m.polls {
		m.compare(t, i, 0)
	}
}

func (m *model) compare(t *rapid.T, i, ms int) {
	// On the loopback, bytes may arrive during one of these calls. So poll(2) is called before and
	// after the poll. If its results differ, the comparison is repeated.
	for {
		before := m.oracle(i)
		got, err := m.polls[i].Poll(ms)
		must(err)
		after := m.oracle(i)
		if show(before) != show(after) && len(before) != len(after) {
			continue
		}
		found := is{}
		for _, ev := range got {
			if _, twice := found[ev.Obj]; twice {
				t.Fatalf("%s twice", name(ev.Obj))
			}
			found[ev.Obj] = ev.Events
		}
		if !same(found, before) && !same(found, after) {
			t.Fatalf("poll %d found %s, want %s", i, show(found), show(after))
		}
		return
	}
}

func same(a, b is) bool {
	if len(a) != len(b) {
		return false
	}
	for o, ev := range a {
		if b[o] != ev {
			return false
		}
	}
	return true
}

// oracle returns the results of poll(2) for each object.
func (m *model) oracle(i int) is {
	want := is{}
	for o, mask := range m.masks[i] {
		var ev sel.Events
		switch o := o.(type) {
		case *ready:
			ev = sel.Events(o.state.Load())
		default:
			ev = NVAL
			// The Poll's own number counts as closed, because poll(2) has no such descriptor.
			if fd := numberOf(o); fd >= 0 && fd != m.polls[i].Desc().FD {
				ev = m.told(i, fd, mask)
			}
		}
		if ev != 0 {
			want[o] = ev
		}
	}
	return want
}

// `told` returns what a Poll must report of a descriptor. That is the result of poll(2). But a
// Poller with filters reports less: there it is what a new Poller reports for the same masks.
func (m *model) told(i, fd int, mask sel.Events) sel.Events {
	said := m.l.poll2(fd)
	var want poller.Interest
	// No filter reports urgent data, so that comes from poll(2). The state of a Poll's number does
	// too, because it has no filter for it.
	asked := slices.ContainsFunc(m.polls[:], func(p *sel.Poll) bool { return p.Desc().FD == fd })
	for o, mask := range m.masks[i] {
		if numberOf(o) == fd {
			want |= poller.Interest(mask&IN | mask&OUT>>1)
			asked = asked || mask&sel.POLLPRI != 0
		}
	}
	if m.l.kqueue && want != 0 && !asked && said != NVAL {
		said = m.filters(fd, want)
	}
	return said & (mask | ERR | HUP | NVAL)
}

func (m *model) filters(fd int, want poller.Interest) sel.Events {
	q, err := m.l.k.NewPoller()
	must(err)
	defer q.Close()
	must(q.Add(fd, 1, want))
	defer q.Del(fd)
	var events [2]poller.Event
	n, err := q.Wait(events[:], 0)
	must(err)
	if n == 0 {
		return 0
	}
	return eventsOf(events[0].Ready)
}

// numberOf returns the descriptor of an object, or -1 if there is none.
func numberOf(o sel.Pollable) int {
	switch o := o.(type) {
	case sel.FD:
		return int(o)
	case interface{ fd() int }:
		return o.fd()
	}
	return -1
}
