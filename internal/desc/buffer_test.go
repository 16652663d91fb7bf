//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A buffering Waiter has the buffer of a loop.
type buffering struct {
	scripted
	b Buffer
}

func (w *buffering) Buffer() (*Buffer, Errno) { return &w.b, 0 }

// Race builds overwrite the bytes that a task has received when they are not valid any more. They
// do that once. After that the buffer belongs to the next callback or task, so its bytes do not
// change.
func TestABufferIsOverwrittenOnce(t *testing.T) {
	w := &buffering{b: Buffer{P: make([]byte, 9)}}
	d := New(kernel.Host, 1000, w)
	room, e := d.Room(&Call{})
	if e != 0 {
		t.Fatal(e)
	}
	p := d.Shown(room, copy(room, "abc"))
	w.b.End()
	if Poisons == (string(p) == "abc") {
		t.Errorf("race build %v: the bytes are %q", Poisons, p)
	}
	copy(w.b.P, "other")
	w.b.End()
	if string(w.b.P[:5]) != "other" {
		t.Errorf("the next bytes were changed to %q", w.b.P)
	}
}
