package sel

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

// Select waits until an object is ready: one of r for reading, one of w for writing, or one of all
// three lists for an error or a hang-up. It waits for at most the given seconds. With 0 it does not
// wait, and with a negative number or NaN it waits without limit. It parks the goroutine.
//
// rr has the objects with POLLIN, rw those with POLLOUT, and rx those with any other Event. A
// socket that was never connected has POLLHUP. A list has an object once. The objects are in the
// order in which they were first passed. The Poll method of an Object decides in which lists the
// Object is.
//
// If you wait for the same objects repeatedly, use a Poll, which registers them with the kernel
// once. Select needs no free descriptor. It has no effect on a Poll with the same objects.
func Select(r, w, x []Pollable, seconds float64) (rr, rw, rx []Pollable, err error) {
	return selectBy(kernel.Host, desc.Parked, r, w, x, seconds)
}

// SelectOn is Select for a Task of the reactor. It suspends the Task.
func SelectOn(on *reactor.Reactor, r, w, x []Pollable, seconds float64) (rr, rw, rx []Pollable, err error) {
	return selectBy(on.Kernel(), inside.Waiter(on), r, w, x, seconds)
}

func selectBy(k kernel.Kernel, by desc.Waiter, r, w, x []Pollable, seconds float64) (rr, rw, rx []Pollable, err error) {
	limit, e := timeout.Seconds(seconds)
	if e != nil {
		limit = timeout.None
	}
	s := newSet(k, by)
	defer s.close() // deferred, because a task may be unwound
	var order []Pollable
	for i, list := range [3][]Pollable{r, w, x} {
		for _, obj := range list {
			mask := [3]Events{POLLIN, POLLOUT, POLLERR | POLLHUP}[i]
			if old := s.find(obj); old != nil {
				mask |= old.mask
			} else {
				order = append(order, obj)
			}
			if err := s.register(obj, mask); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	found, err := s.poll("select", limit)
	if err != nil {
		return nil, nil, nil, err
	}
	ready := make(map[Pollable]Events, len(found))
	for _, ev := range found {
		ready[ev.Obj] = ev.Events
	}
	for _, obj := range order {
		ev := ready[obj]
		if ev&POLLIN != 0 {
			rr = append(rr, obj)
		}
		if ev&POLLOUT != 0 {
			rw = append(rw, obj)
		}
		if ev&^(POLLIN|POLLOUT) != 0 {
			rx = append(rx, obj)
		}
	}
	return rr, rw, rx, nil
}
