package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A Watch is the loop's interest in one descriptor. It does not own the descriptor: stop the Watch,
// then close.
type Watch struct {
	r     *Reactor
	sink  sink // receives the Events
	fd    int32
	gen   uint32          // 0 once stopped
	want  poller.Interest // the registered interest; 0: not registered in the poller
	waits bool            // the sink is a Desc: its Events wake tasks and call no function
}

type sink interface{ ready(poller.Readiness) }

type callSink func(poller.Readiness)

func (f callSink) ready(i poller.Readiness) { f(i) }

// Watch makes the loop call the function whenever fd is ready for want, and also on Err and Hup. It
// is level-triggered: the calls repeat while fd is ready. With an empty interest nothing is
// reported, not even Err and Hup, until Want sets another one. For a file that cannot be polled
// Watch returns EPERM. A descriptor has one Watch: a second is misuse and panics.
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
		// Checked first, because the table grows to that number.
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

// Want replaces the interest: In, Out, both or neither, and Edge. If the descriptor is ready for
// it, the function is called again.
func (w *Watch) Want(want poller.Interest) error {
	if w.gen == 0 {
		return ErrClosed
	}
	return w.set(want &^ poller.Interest(poller.Err|poller.Hup))
}

// FD is the descriptor's number.
func (w *Watch) FD() int { return int(w.fd) }

// Stop ends the Watch. No call comes after it, not even from an Event of the same batch. A second
// call does nothing.
func (w *Watch) Stop() {
	w.drop()
}

func (w *Watch) open(r *Reactor, fd int, s sink) {
	if w.r == nil { // a dialled Conn has r already, and PostSend may read it on other goroutines
		w.r = r
	}
	w.sink, w.fd = s, int32(fd)
	w.gen = r.table.Put(fd, w)
}

// set registers the interest. For an empty interest it unregisters the descriptor. Otherwise the
// loop would spin on Err or Hup, which cannot be masked.
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

// stillReady returns whether the kernel reports In right after a call that has found nothing. If
// the kernel does, the missing input was not received by another process. The reason may be that
// another owner has shut the socket down.
func (w *Watch) stillReady() bool {
	ready, e := w.r.k.Ready(int(w.fd))
	return e != 0 || ready&poller.In != 0
}

// drop ends the registration. The descriptor must be closed after it, not before.
func (w *Watch) drop() {
	if w.gen == 0 {
		return
	}
	if w.want != 0 {
		// An error here means that the caller has closed the descriptor, which has ended the
		// registration.
		_ = w.r.poller.Del(int(w.fd))
		w.want = 0
	}
	w.r.table.Delete(w.fd, w.gen)
	w.gen = 0
}
