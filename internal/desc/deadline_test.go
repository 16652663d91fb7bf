//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc_test

import (
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A deadline of a direction ends the calls in progress and later calls, also those that wait for
// their turn. If the deadline is moved, only the new one has an effect. A call ends at the deadline
// or after its own limit, whichever comes first. After the deadline, a call fails even if data
// waits.
func TestDirectionDeadline(t *testing.T) {
	r := newReceiver(t)
	in := func(d time.Duration) timeout.Deadline { return timeout.Timeout(d).After(r.Kernel.Now()) }
	set := func(at timeout.Deadline) {
		t.Helper()
		if e := r.SetDeadline(desc.In, at); e != 0 {
			t.Fatal(e)
		}
	}
	at := in(20 * time.Millisecond)
	set(at)
	if _, e := r.recv(timeout.None); e != kernel.ETIMEDOUT || r.Kernel.Now() < at {
		t.Errorf("%v, %v early", e, at.Left(r.Kernel.Now()))
	}
	r.send("x")
	if _, e := r.recv(timeout.None); e != kernel.ETIMEDOUT || !r.DeadlinePassed() {
		t.Errorf("with data, but too late: %v", e)
	}
	set(timeout.Past)
	if _, e := r.recv(timeout.None); e != kernel.ETIMEDOUT || !r.DeadlinePassed() {
		t.Errorf("timeout.Past, with data: %v", e)
	}
	set(timeout.Never)
	if s, e := r.recv(timeout.None); s != "x" || e != 0 {
		t.Errorf("without a deadline: %q, %v", s, e)
	}
	set(in(time.Hour))
	if _, e := r.recv(1); e != kernel.ETIMEDOUT || !r.DeadlinePassed() {
		t.Errorf("the call's own limit: %v", e)
	}
	ended := make(chan kernel.Errno)
	for range 3 { // one waits for data, and two for their turn
		go func() { _, e := r.recv(timeout.None); ended <- e }()
	}
	set(in(5 * time.Millisecond)) // it replaces a deadline that is an hour away
	at = in(40 * time.Millisecond)
	set(at)
	for range 3 {
		if e := <-ended; e != kernel.ETIMEDOUT || r.Kernel.Now() < at {
			t.Errorf("moved: %v, %v early", e, at.Left(r.Kernel.Now()))
		}
	}
	r.Close()
	if e := r.SetDeadline(desc.In, 1); e != kernel.EBADF {
		t.Errorf("closed: %v", e)
	}
}
