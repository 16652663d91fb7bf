package poller

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/timeout"
)

// A kqueueModel compares a Poller with the registrations that the Poller should have. If the kernel
// has dropped a filter, the model deletes the filter from want.
type kqueueModel struct {
	testing.TB
	random *rand.Rand
	p      *kqueue
	q      *fakeQueue
	all    map[int]watched
	room   [3]Event // the memory of earlier Waits
}

// check compares the filters of the fake kernel with the registrations of the model, and err with
// want. If the test planned a failure, err may also be that failure.
func (m *kqueueModel) check(what string, err, want error) {
	m.Helper()
	if !errors.Is(err, want) && !(m.q.failed && errors.Is(err, errNoRoom)) {
		m.Fatalf("%s: %v, want %v", what, err, want)
	}
	filters := map[filter]kevent.Change{}
	for fd, w := range m.all {
		for _, one := range []Interest{In, Out} {
			if w.want&one != 0 {
				filters[filter{fd, one == Out}] = kevent.Change{FD: fd, Write: one == Out, Flags: kqueueFlags(w.want), Gen: w.gen}
			}
		}
	}
	if !maps.Equal(m.q.filters, filters) {
		m.Fatalf("%s: the kernel has\n%v, want\n%v", what, m.q.filters, filters)
	}
}

// step makes a random call. If Mod fails, or Add finds a registration, nothing may change.
func (m *kqueueModel) step() {
	fd, gen := m.random.IntN(4), m.random.Uint32()
	want := []Interest{In, Out, In | Out, In | Edge, Out | Edge, In | Out | Edge}[m.random.IntN(6)]
	m.q.fail, m.q.failed = m.random.IntN(9), false
	old, have := m.all[fd]
	var missing error
	if !have {
		missing = errNoEnt
	}
	switch m.random.IntN(5) {
	case 0:
		var exists error
		if old.want&(In|Out) != 0 {
			exists = errExist
		}
		err := m.p.Add(fd, gen, want)
		if err == nil {
			m.all[fd] = watched{gen: gen, want: want}
		} else if exists == nil {
			delete(m.all, fd)
		}
		m.check("Add", err, exists)
	case 1:
		err := m.p.Mod(fd, gen, want)
		if err == nil {
			m.all[fd] = watched{gen: gen, want: want}
		}
		m.check("Mod", err, missing)
	case 2:
		err := m.p.Del(fd)
		delete(m.all, fd)
		m.check("Del", err, missing)
	case 3:
		m.report(fd, old)
	case 4: // the file is closed, and another file gets its number
		maps.DeleteFunc(m.q.filters, func(f filter, _ kevent.Change) bool { return f.fd == fd })
		delete(m.all, fd)
		err := m.p.Add(fd, gen, want)
		if err == nil {
			m.all[fd] = watched{gen: gen, want: want}
		}
		m.check("Add after close", err, nil)
	}
}

// report makes a Wait return events of both filters after an empty sleep. With OneShot the kernel
// has dropped the filter. The generation of an event may be one that the registration does not
// have.
func (m *kqueueModel) report(fd int, old watched) {
	gen := old.gen + uint32(m.random.IntN(2))
	var list []kevent.Event
	var ready Readiness
	for _, one := range []Interest{In, Out} {
		if old.want&one == 0 {
			continue
		}
		e := kevent.Event{FD: int32(fd), Gen: gen, Write: one == Out}
		ready |= Readiness(one)
		if m.random.IntN(2) == 0 {
			e.Flags = kevent.OneShot
		}
		if e.Flags != 0 && gen == old.gen {
			delete(m.q.filters, filter{fd, one == Out})
			w := m.all[fd]
			w.want &^= one
			m.all[fd] = w
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		return
	}
	wakes := m.random.IntN(2)
	for range wakes {
		list = append(list, kevent.Event{FD: 1 << 20, Wake: true})
	}
	other := kevent.Event{FD: int32(fd + 4), Gen: gen}
	list = append(list, other)
	other.Write = true
	list = append(list, other) // the second event of the same registration
	m.q.reports, m.q.woken = [][]kevent.Event{{}, list}, 0
	n, err := m.p.Wait(m.room[:], timeout.Never)
	if n != 2 || err != nil || m.room[0] != (Event{int32(fd), gen, ready}) || m.room[1] != (Event{other.FD, gen, In | Out}) {
		m.Fatalf("%v is reported as %v, %v", list, m.room[:n], err)
	}
	if m.q.woken != wakes {
		m.Fatalf("the waker was emptied %d times, want %d", m.q.woken, wakes)
	}
	m.check("Wait", nil, nil)
}

// The test makes random calls and reports random events. Some changes fail, and the kernel drops
// some filters. After each step, the kernel has exactly the filters of the registrations.
func TestKqueueHasTheFiltersOfItsRegistrations(t *testing.T) {
	for seed := range longtest.Seeds(t, 300, 300, 20_000) {
		p, q := newFake()
		m := &kqueueModel{TB: t, random: rand.New(rand.NewPCG(seed, 0)), p: p, q: q, all: map[int]watched{}}
		for range 60 {
			m.step()
		}
	}
}

// The table has no entry for a number that was never registered, not even for 0.
func TestKqueueWithoutRegistrations(t *testing.T) {
	p, q := newFake()
	for range 2 {
		for fd := range 2 {
			if e1, e2 := p.Mod(fd, 1, In), p.Del(fd); !errors.Is(e1, errNoEnt) || !errors.Is(e2, errNoEnt) {
				t.Errorf("%d: %v, %v", fd, e1, e2)
			}
		}
		q.reports = [][]kevent.Event{{{FD: 0, Flags: kevent.OneShot}, {FD: 1, Flags: kevent.OneShot}}}
		if n, err := p.Wait(make([]Event, 2), timeout.Never); n != 2 || err != nil {
			t.Error(n, err)
		}
		p, q = newFake()
		if err := errors.Join(p.Add(0, 1, In), p.Del(0)); err != nil {
			t.Fatal(err)
		}
	}
}

// Each goroutine registers descriptors of its own. Meanwhile another goroutine waits for events
// that drop filters. Each goroutine still finds its own registrations.
func TestKqueueRegistersFromManyGoroutines(t *testing.T) {
	p, q := newFake()
	stop := make(chan struct{})
	var waiter, users sync.WaitGroup
	waiter.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			q.reports = [][]kevent.Event{{{FD: int32(i % 8), Gen: 1 << 31, Flags: kevent.OneShot}}}
			if n, err := p.Wait(make([]Event, 1), timeout.Never); n != 1 || err != nil {
				t.Error(n, err)
			}
		}
	})
	for fd := range 4 {
		users.Go(func() {
			for gen := range uint32(500) {
				if err := errors.Join(p.Add(fd, gen, In), p.Mod(fd, gen, In|Out), p.Del(fd)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	users.Wait()
	close(stop)
	waiter.Wait()
	if len(q.filters) != 0 {
		t.Error(q.filters)
	}
}

// A Wait sleeps at most a day at a time, and sleeps again if a sleep ends before the deadline.
// Close and Wait return the errors of the queue.
func TestKqueueSleepsUntilTheDeadline(t *testing.T) {
	p, q := newFake()
	until := timeout.Deadline(sleepMax) + 5
	q.reports = [][]kevent.Event{{}}
	if n, err := p.Wait(make([]Event, 1), until); n != 0 || err != nil || q.now != until {
		t.Error(n, err, q.now)
	}
	if want := []time.Duration{sleepMax, sleepMax, 5}; !slices.Equal(q.sleeps, want) {
		t.Errorf("slept %v, want %v", q.sleeps, want)
	}
	if p.FD() != 77 {
		t.Error(p.FD())
	}
	if err := p.Close(); !errors.Is(err, errBadFD) {
		t.Error(err)
	}
	q.err = errNoRoom
	if n, err := p.Wait(make([]Event, 1), until); n != 0 || !errors.Is(err, errNoRoom) {
		t.Error(n, err)
	}
}
