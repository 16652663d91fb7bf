package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Watch is the loop's interest in one descriptor. It does not own the descriptor. Stop the Watch
// before you close the descriptor.
type Watch struct {
	r     *Reactor
	sink  sink // gets the Events
	fd    int32
	gen   uint32          // 0 if stopped
	want  poller.Interest // the registered interest; 0 if there is no registration
	waits bool            // the sink is a Desc, whose Events wake tasks and call no function
}

type sink interface{ ready(poller.Readiness) }

type callSink func(poller.Readiness)

func (f callSink) ready(i poller.Readiness) { f(i) }

// Watch makes the loop call the function when fd is ready for want, and also on Err and Hup.
// Without Edge, the loop repeats the call in each turn while fd is ready. With an empty interest,
// nothing is reported, not even Err and Hup, until Want sets another one. If fd is a file that
// cannot be polled, Watch returns EPERM. A second Watch of the same descriptor is misuse and
// panics.
func (r *Reactor) Watch(fd int, want poller.Interest, call func(poller.Readiness)) (*Watch, error) {
	if fd < 0 {
		return nil, fmt.Errorf("reactor: watch descriptor %d: must be 0 or more", fd)
	}
	if call == nil {
		panic("reactor: Watch with a nil function")
	}
	if r.draining {
		return nil, ErrClosed
	}
	if _, e := r.k.Ready(fd); e == kernel.EBADF {
		// Check this first, because the table of descriptors grows to the largest number in it.
		return nil, fmt.Errorf("reactor: watch descriptor %d: it is not open on the kernel of this reactor (is one of them simulated?): %w", fd, e)
	} else if e != 0 {
		return nil, fmt.Errorf("reactor: watch descriptor %d: %w", fd, e)
	}
	w := &Watch{}
	w.open(r, fd, callSink(call))
	if err := w.Want(want); err != nil {
		w.drop()
		return nil, fmt.Errorf("reactor: watch descriptor %d: %w", fd, err)
	}
	return w, nil
}

// Want changes the interest: In, Out, both or none, and Edge. If the descriptor is ready for the
// new interest, the function is called, even if it was called for the same readiness before.
func (w *Watch) Want(want poller.Interest) error {
	if w.gen == 0 {
		return ErrClosed
	}
	return w.set(want &^ poller.Interest(poller.Err|poller.Hup))
}

// FD returns the descriptor.
func (w *Watch) FD() int { return int(w.fd) }

// Stop ends the Watch. The function is not called any more, not even for an Event of the same turn.
// A second call does nothing.
func (w *Watch) Stop() {
	w.drop()
}

func (w *Watch) open(r *Reactor, fd int, s sink) {
	if w.r == nil { // r of a dialled Conn is set already, and other goroutines may read it in PostSend
		w.r = r
	}
	w.sink, w.fd = s, int32(fd)
	w.gen = r.table.Put(fd, w)
}

// set registers the descriptor with this interest. If the interest is empty, it unregisters the
// descriptor. The poller reports Err and Hup whatever the interest is, so the loop would spin.
func (w *Watch) set(want poller.Interest) error {
	if want&(poller.In|poller.Out) == 0 {
		want = 0
	}
	if want == w.want {
		return nil
	}
	p := w.r.poller
	var err error
	switch {
	case want == 0:
		err = p.Del(int(w.fd))
	case w.want == 0:
		err = p.Add(int(w.fd), w.gen, want)
	default:
		err = p.Mod(int(w.fd), w.gen, want)
	}
	if err == nil {
		w.want = want
	}
	return err
}

// stillReady is called after a call that has found no input. It returns whether the kernel still
// reports In. If so, no other process has received the input. Another owner of the open file may
// have shut the socket down.
func (w *Watch) stillReady() bool {
	ready, e := w.r.k.Ready(int(w.fd))
	return e != 0 || ready&poller.In != 0
}

// drop ends the registration. It must be called before the descriptor is closed.
func (w *Watch) drop() {
	if w.gen == 0 {
		return
	}
	if w.want != 0 {
		// An error here means that the caller has closed the descriptor. The close has ended the
		// registration.
		_ = w.r.poller.Del(int(w.fd))
		w.want = 0
	}
	w.r.table.Delete(w.fd, w.gen)
	w.gen = 0
}
