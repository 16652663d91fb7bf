//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	sel "github.com/ureactor/ureactor/select"
)

// Register sets the mask. A second Register of the same object replaces it, as Modify does.
func TestRegisterMasks(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		b.write("x")
		p := l.poll(a)
		l.expect(p, 0, is{a: IN | OUT})
		must(p.Register(a, IN))
		l.expect(p, 0, is{a: IN})
		must(p.Modify(a, OUT))
		l.expect(p, 0, is{a: OUT})
		must(p.Register(a, 0))
		l.expect(p, 0, is{})
		must(p.Register(a, IN|OUT))
		l.expect(p, 0, is{a: IN | OUT})
		must(p.Register(a, sel.POLLIN|sel.POLLOUT))
		l.expect(p, 0, is{a: IN | OUT})
		must(p.Modify(a, IN|OUT|ERR|HUP|NVAL|2|1<<30))
		l.expect(p, 0, is{a: IN | OUT})
	})
}

// For an object that is not registered, Modify returns ENOENT, and Unregister does nothing (D36).
// After Unregister an object can be registered again.
func TestD36UnregisterUnknown(t *testing.T) {
	both(t, func(l *lab) {
		a, _ := l.pair()
		p := l.poll()
		for _, o := range []sel.Pollable{a, sel.FD(0), sel.FD(-1), &ready{}, nil, "text", []int{}, (*object)(nil)} {
			if err := p.Modify(o, IN); !errors.Is(err, syscall.ENOENT) {
				t.Errorf("Modify(%T): %v, want ENOENT", o, err)
			}
			if err := p.Unregister(o); err != nil {
				t.Errorf("Unregister(%T): %v", o, err)
			}
		}
		must(p.Register(a, sel.POLLIN|sel.POLLOUT))
		must(p.Unregister(a))
		l.expect(p, 0, is{})
		must(p.Unregister(a))
		if err := p.Modify(a, IN); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("Modify: %v, want ENOENT", err)
		}
		must(p.Register(a, OUT))
		l.expect(p, 0, is{a: OUT})
	})
}

// If an object cannot be registered, Register returns an error and changes nothing.
func TestBadObjects(t *testing.T) {
	both(t, func(l *lab) {
		p := l.poll()
		tooBig := sel.FD(math.MaxInt)
		if math.MaxInt == math.MaxInt32 { // with 32 bits, every int can be the number of a descriptor
			tooBig = math.MinInt
		}
		type incomparable struct {
			ready
			_ []int
		}
		for _, o := range []sel.Pollable{nil, "text", 5, sel.FD(-1), tooBig, []int{}, func() {}, (*object)(nil),
			(*ready)(nil), &noDesc{}, &os.File{}, incomparable{}, struct{ any }{[]int{}}} {
			if err := p.Register(o, sel.POLLIN|sel.POLLOUT); !errors.Is(err, sel.ErrValue) {
				t.Errorf("Register(%T): %v, want ErrValue", o, err)
			}
		}
		l.expect(p, 0, is{})
		if err := p.Register(p, sel.POLLIN|sel.POLLOUT); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("a Poll in itself: %v, want EINVAL", err)
		}
		l.expect(p, 0, is{})
	})
}

type noDesc struct{}

func (*noDesc) Desc() *desc.Desc { return nil }

// A Poll distinguishes Objects by their identity. Two Objects with one descriptor are both
// reported, each by its own mask.
func TestTwoObjectsOnOneDescriptor(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		twin := &object{l, a.d}
		p := l.poll()
		must(p.Register(a, IN))
		must(p.Register(twin, OUT))
		must(p.Register(sel.FD(a.d.FD), 0))
		l.expect(p, 0, is{twin: OUT})
		b.write("x")
		l.expect(p, 0, is{a: IN, twin: OUT})
		must(p.Modify(twin, IN|OUT))
		l.expect(p, 0, is{a: IN, twin: IN | OUT})
		must(p.Unregister(twin))
		l.expect(p, 0, is{a: IN})
		must(p.Modify(sel.FD(a.d.FD), OUT))
		l.expect(p, 0, is{a: IN, sel.FD(a.d.FD): OUT})
		must(p.Register(twin, OUT))
		a.close()
		l.expect(p, 0, is{a: NVAL, twin: NVAL, sel.FD(a.d.FD): NVAL})
		must(p.Unregister(a))
		l.expect(p, 0, is{twin: NVAL, sel.FD(a.d.FD): NVAL})
	})
}

// A registered socket is closed. It is NVAL until it is unregistered, whatever the mask. A socket
// that is registered after its close is NVAL too (D38).
func TestD38Closed(t *testing.T) {
	both(t, func(l *lab) {
		a, _ := l.pair()
		c, _ := l.pair()
		p := l.poll(a)
		l.expect(p, 0, is{a: OUT})
		a.close()
		l.expect(p, 0, is{a: NVAL})
		l.expect(p, -1, is{a: NVAL})
		must(p.Modify(a, 0))
		l.expect(p, 0, is{a: NVAL})
		must(p.Register(a, sel.POLLIN|sel.POLLOUT))
		l.expect(p, 0, is{a: NVAL})
		c.close()
		must(p.Register(c, 0))
		l.expect(p, 0, is{a: NVAL, c: NVAL})
		must(p.Unregister(a))
		l.expect(p, 0, is{c: NVAL})
		must(p.Unregister(c))
		l.expect(p, 0, is{})
		must(p.Register(a, sel.POLLIN|sel.POLLOUT))
		l.expect(p, 0, is{a: NVAL})
	})
}

// A registered socket is closed, and a new socket gets its number. The Events of the new socket are
// not reported before it is registered itself. It makes no difference if a duplicate keeps the
// closed socket's file open.
func TestD38Stranger(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		p := l.poll(a)
		l.dup(a)
		a.close()
		stranger, y := l.pairAt(a.d.FD)
		y.write("x")
		l.k.Send(b.d.FD, []byte("x"), 0) // the byte reaches the duplicate
		l.expect(p, 0, is{a: NVAL})
		must(p.Register(stranger, sel.POLLIN|sel.POLLOUT))
		l.expect(p, 0, is{a: NVAL, stranger: IN | OUT})
		must(p.Unregister(a))
		l.expect(p, 0, is{stranger: IN | OUT})
		must(p.Register(a, IN))
		l.expect(p, 0, is{a: NVAL, stranger: IN | OUT})
	})
}

// A regular file is always ready for its mask. A closed file is NVAL.
func TestRegularFile(t *testing.T) {
	onHost(t, func(l *lab) {
		f, err := os.Create(filepath.Join(t.TempDir(), "file"))
		must(err)
		file := sel.FD(f.Fd())
		p := l.poll(file)
		l.expect(p, 0, is{file: IN | OUT})
		l.expect(p, -1, is{file: IN | OUT})
		must(p.Modify(file, IN))
		l.expect(p, 0, is{file: IN})
		must(p.Modify(file, 0))
		l.expect(p, 0, is{})
		must(p.Modify(file, OUT))
		l.expect(p, 0, is{file: OUT})
		must(f.Close())
		l.expect(p, 0, is{file: NVAL})
		must(p.Unregister(file))
		l.expect(p, 0, is{})
	})
}

// A number that is not open is NVAL. Each poll checks it again. If it is open then, the poll
// reports that file.
func TestNumberNotOpen(t *testing.T) {
	both(t, func(l *lab) {
		number := l.unopened(0)
		p := l.poll()
		must(p.Register(number, IN))
		l.expect(p, 0, is{number: NVAL})
		l.expect(p, -1, is{number: NVAL})
		must(p.Modify(number, 0))
		l.expect(p, 0, is{number: NVAL})
		must(p.Modify(number, IN))
		a, b := l.pairAt(int(number))
		l.expect(p, 0, is{})
		b.write("x")
		l.expect(p, 0, is{number: IN})
		a.read()
		join := l.asleep(func() { l.expect(p, guard, is{number: IN}) })
		b.write("x")
		join()
		must(p.Unregister(number))
		a.close()
		must(p.Register(number, sel.POLLIN|sel.POLLOUT))
		l.expect(p, 0, is{number: NVAL})
	})
}

// A Poll reports pipes, which are registered by their numbers.
func TestPipe(t *testing.T) {
	onHost(t, func(l *lab) {
		r, w, err := os.Pipe()
		must(err)
		defer r.Close()
		defer w.Close()
		in, out := sel.FD(r.Fd()), sel.FD(w.Fd())
		p := l.poll(out)
		must(p.Register(in, IN)) // not OUT, because the pipes of FreeBSD work in both directions
		l.expect(p, 0, is{out: OUT})
		io.WriteString(w, "x")
		l.expect(p, 0, is{in: IN, out: OUT})
	})
}

// By mistake, the caller closes a registered number, which another file then gets. If the number is
// registered again, the Poll reports the new file, even if a duplicate keeps the first file open.
func TestRegisterAfterNumberWasClosedBehindOurBack(t *testing.T) {
	onHost(t, func(l *lab) {
		a, b := l.pair()
		c, d := l.pair()
		const number = 1001
		must(dup2(a.d.FD, number))
		p := l.poll(sel.FD(number))
		must(unix.Close(number))
		must(dup2(c.d.FD, number))
		o := l.own(number, 0)
		must(p.Register(o, IN|OUT))
		l.expect(p, 0, is{o: OUT, sel.FD(number): OUT})
		must(p.Unregister(sel.FD(number)))
		b.write("x")
		l.expect(p, 0, is{o: OUT})
		d.write("x")
		l.expect(p, 0, is{o: IN | OUT})
		o.close()
		l.expect(p, 0, is{o: NVAL})
	})
}

// The kernel does not report closed sockets, numbers that are not open, and Objects. They can be
// unregistered in any order.
func TestLeaveInAnyOrder(t *testing.T) {
	both(t, func(l *lab) {
		for _, order := range [][]int{{0, 1, 2, 3}, {0, 3, 1, 2}, {1, 0, 2, 3}, {2, 1, 3, 0}, {3, 2, 1, 0}} {
			p, want := l.poll(), is{}
			var kinds [3][]sel.Pollable
			for i := range 4 {
				a, _ := l.pair()
				a.close()
				o := &ready{}
				o.state.Store(4)
				number := l.unopened(100 + i)
				for kind, obj := range []sel.Pollable{a, number, o} {
					kinds[kind] = append(kinds[kind], obj)
					must(p.Register(obj, sel.POLLIN|sel.POLLOUT))
				}
				want[a], want[number], want[o] = NVAL, NVAL, OUT
			}
			for _, i := range order {
				for _, objs := range kinds {
					must(p.Unregister(objs[i]))
					delete(want, objs[i])
				}
				l.expect(p, 0, want)
			}
			must(p.Close())
		}
	})
}
