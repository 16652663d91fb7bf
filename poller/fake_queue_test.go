package poller

import (
	"errors"
	"time"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/timeout"
)

var (
	errNoEnt  = errors.New("ENOENT")
	errExist  = errors.New("EEXIST")
	errBadFD  = errors.New("EBADF")
	errNoRoom = errors.New("ENOMEM")
)

type filter struct {
	fd    int
	write bool
}

// A fakeQueue stores the filters of a kqueue. The test sets in advance which change fails, and
// which events each Wait returns.
type fakeQueue struct {
	filters map[filter]kevent.Change
	fail    int              // the Add or Delete that fails, counted from 1; 0 for none
	failed  bool             // the planned failure has happened
	reports [][]kevent.Event // the events that the next Waits return
	sleeps  []time.Duration  // the time limits of the Waits
	now     timeout.Deadline // the end of the last sleep, set by Wait
	woken   int              // how often Woken was called
	err     error            // the error of Wait
}

func newFake() (*kqueue, *fakeQueue) {
	q := &fakeQueue{filters: map[filter]kevent.Change{}}
	return newKqueue(q), q
}

func (q *fakeQueue) Now() timeout.Deadline { return q.now }
func (q *fakeQueue) Pollable(int) error    { return nil }
func (q *fakeQueue) Woken()                { q.woken++ }
func (q *fakeQueue) Wake() error           { return nil }
func (q *fakeQueue) FD() int               { return 77 }
func (q *fakeQueue) Close() error          { return errBadFD }
func (q *fakeQueue) Errors() kevent.Errors {
	return kevent.Errors{NoEnt: errNoEnt, Exist: errExist, BadFD: errBadFD}
}

func (q *fakeQueue) Change(list []kevent.Change) error {
	for _, c := range list {
		at := filter{c.FD, c.Write}
		_, have := q.filters[at]
		if c.Flags&kevent.Add == 0 && !have {
			return errNoEnt
		}
		if c.Flags != kevent.Enable {
			if q.fail--; q.fail == 0 {
				q.failed = true
				return errNoRoom
			}
		}
		switch {
		case c.Flags&kevent.Delete != 0:
			delete(q.filters, at)
		case c.Flags&kevent.Add != 0:
			q.filters[at] = c
		}
	}
	return nil
}

func (q *fakeQueue) Wait(n int, left time.Duration) (int, error) {
	q.sleeps = append(q.sleeps, left)
	if q.err != nil {
		return 1, q.err
	}
	if len(q.reports) > 0 && len(q.reports[0]) > 0 {
		return len(q.reports[0]), nil
	}
	if len(q.reports) > 0 {
		q.reports = q.reports[1:]
		return 0, nil
	}
	q.now += timeout.Deadline(left)
	return 0, nil
}

func (q *fakeQueue) Event(i int) kevent.Event {
	e := q.reports[0][i]
	if i == len(q.reports[0])-1 {
		q.reports = q.reports[1:]
	}
	return e
}
