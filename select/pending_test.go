//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"testing"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// MicroPython's documentation says: "Calling poll.poll (poll.ipoll) is guaranteed to call pending
// callback functions before entering the polling loop". This must hold even if the poll does not
// wait, because its limit is 0 or an object is ready. The task never waits, so the callback can
// only be called by a poll that lets the loop run.
func TestPendingCallbacksComeBeforeThePoll(t *testing.T) {
	inTasks(t, func(l *lab) {
		create := func() *socket.Socket { return l.create(socket.AF_UNIX, socket.SOCK_DGRAM, 0) }
		to, from := create(), create()
		defer to.Close()
		defer from.Close()
		path := unixPath()
		must(to.Bind(socket.Path(path)))
		must(from.Connect(socket.Path(path)))
		called := 0
		must(to.SetCallback(func(*socket.Socket) { called++ }))
		other, _ := l.pair()
		idle, busy := sel.NewOn(l.r), sel.NewOn(l.r)
		defer idle.Close()
		defer busy.Close()
		must(idle.Register(from, 0))
		must(busy.Register(other, sel.POLLIN|sel.POLLOUT))
		for what, poll := range map[string]func(){
			"Poll(0)":         func() { l.expect(idle, 0, is{}) },
			"IPoll(0)":        func() { l.walk(idle, 0, 0, is{}) },
			"Poll of a ready": func() { l.expect(busy, guard, is{other: OUT}) },
			"Select(0)":       func() { _, _, _, err := l.selects(list{from}, nil, nil, 0); must(err) },
		} {
			called = 0
			_, err := from.Send([]byte("x"))
			must(err)
			poll()
			if called != 1 {
				t.Errorf("%s: %d callbacks, want 1", what, called)
			}
		}
	})
}
