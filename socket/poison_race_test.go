//go:build unix && race

package socket_test

import (
	"bytes"
	"syscall"
	"testing"
)

// Race builds overwrite the result of Data when it becomes invalid. In a task, that is after a wait
// or another Data. In a goroutine, it is after the next Data of the same Socket.
func TestASliceThatIsKeptIsPoisoned(t *testing.T) {
	poisoned := func(l *lab, what string, p []byte) {
		l.t.Helper()
		if !bytes.HasPrefix([]byte("<this was valid until the task's next wait"), p) {
			l.t.Errorf("after %s it is %q", what, p)
		}
	}
	both(t, func(l *lab) {
		c, s := l.pair()
		l.send(c, "kept")
		l.readable(s)
		p, err := s.Data()
		l.data(p, err, "kept")
		l.must(s.SetTimeout(0))
		_, err = s.Data()
		l.errno(err, syscall.EAGAIN)
		poisoned(l, "another Data", p)
		if l.r == nil {
			return
		}
		l.send(c, "kept")
		l.readable(s)
		p, err = s.Data()
		l.data(p, err, "kept")
		l.pass()
		poisoned(l, "a wait", p)
		l.send(c, "kept")
		l.beside(func(l *lab) {
			l.readable(s)
			p, err = s.Data()
			l.data(p, err, "kept")
		})()
		poisoned(l, "the task's end", p)
	})
}
