//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A lone kernel counts the calls of close(2). Its receives and sends do what the test says.
type lone struct {
	kernel.Kernel
	closes int
	close  Errno
	try    func() (int, Errno)
}

func (k *lone) Close(int) kernel.Errno {
	k.closes++
	return k.close
}

func (k *lone) Recv(int, []byte, int) (int, Errno) { return k.try() }
func (k *lone) Send(int, []byte, int) (int, Errno) { return k.try() }

// Each row is a way to a try. The try closes the Desc. The descriptor stays open until the try has
// ended, and is then closed.
func TestTheNumberIsOpenDuringEachTry(t *testing.T) {
	none := func() Call { return Call{Limit: timeout.None} }
	after := func(before func(n int) bool, try func() (int, Errno)) func() (int, Errno) {
		n := 0
		return func() (int, Errno) {
			if n++; before(n) {
				return 0, kernel.EAGAIN
			}
			return try()
		}
	}
	for name, call := range map[string]func(d *Desc, w *scripted, k *lone, try func() (int, Errno)){
		"first": func(d *Desc, _ *scripted, _ *lone, try func() (int, Errno)) {
			c := none()
			d.Do(In, &c, try)
		},
		"without a wait": func(d *Desc, _ *scripted, _ *lone, try func() (int, Errno)) {
			d.Do(In, &Call{}, try)
		},
		"after a sleep": func(d *Desc, _ *scripted, _ *lone, try func() (int, Errno)) {
			c := none()
			d.Do(Out, &c, after(func(n int) bool { return n == 1 }, try))
		},
		"at the deadline": func(d *Desc, w *scripted, _ *lone, try func() (int, Errno)) {
			w.sleep = func() Errno { return kernel.ETIMEDOUT }
			d.registered, d.dirs[In].drained = true, true
			c := Call{Limit: timeout.None, NeedsNew: true}
			d.Do(In, &c, try)
		},
		"after a yield": func(d *Desc, _ *scripted, _ *lone, try func() (int, Errno)) {
			c, n := none(), 0
			d.Do(In, &c, func() (int, Errno) {
				if n++; n == 1 {
					c.Again = true
					return budget << budgetShift, 0
				}
				return try()
			})
		},
		"after the queue": func(d *Desc, w *scripted, _ *lone, try func() (int, Errno)) {
			asleep, turn, done := make(chan bool), make(chan bool), make(chan bool)
			w.sleep = func() Errno { asleep <- true; <-turn; return 0 }
			c := none()
			d.Do(In, &c, func() (int, Errno) {
				go func() {
					c := none()
					d.Do(In, &c, try)
					done <- true
				}()
				<-asleep
				return 1, 0
			})
			turn <- true
			<-done
		},
		"in Use": func(d *Desc, _ *scripted, _ *lone, try func() (int, Errno)) {
			d.Use(func(int) Errno { try(); return 0 })
		},
		"Recv": func(d *Desc, _ *scripted, k *lone, try func() (int, Errno)) {
			k.try = try
			c := none()
			d.Recv(&c, make([]byte, 9), 0)
		},
		"Recv after a sleep": func(d *Desc, _ *scripted, k *lone, try func() (int, Errno)) {
			k.try = after(func(n int) bool { return n == 1 }, try)
			c := none()
			d.Recv(&c, make([]byte, 9), 0)
		},
		"SendAll": func(d *Desc, _ *scripted, k *lone, try func() (int, Errno)) {
			k.try = try
			c := none()
			d.SendAll(&c, make([]byte, 9), 9)
		},
		"SendAll after a sleep": func(d *Desc, _ *scripted, k *lone, try func() (int, Errno)) {
			k.try = after(func(n int) bool { return n == 1 }, try)
			c := none()
			d.SendAll(&c, make([]byte, 9), 9)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, k := &scripted{}, &lone{Kernel: kernel.Host}
			d := New(k, 1000, w)
			w.sleep = func() Errno { d.Ready(poller.In | poller.Out); return 0 }
			tries := 0
			call(d, w, k, func() (int, Errno) {
				tries++
				d.Close()
				if k.closes != 0 {
					t.Error("closed during the try")
				}
				return 9, 0
			})
			if tries != 1 || k.closes != 1 || !d.finished {
				t.Errorf("%d tries, %d closes, finished %v", tries, k.closes, d.finished)
			}
		})
	}
}

// The first Close returns the error of the kernel's close. A second Close does nothing.
func TestCloseReturnsTheKernelsError(t *testing.T) {
	for name, w := range map[string]Waiter{"task": &scripted{}, "parked": NewParker(kernel.Host)} {
		k := &lone{Kernel: kernel.Host, close: kernel.EIO}
		d := New(k, 1000, w)
		if e := d.Close(); e != kernel.EIO {
			t.Errorf("%s: Close returns %v, want EIO", name, e)
		}
		if e := d.Close(); e != 0 || k.closes != 1 {
			t.Errorf("%s: the second Close returns %v after %d closes", name, e, k.closes)
		}
	}
}

// After a Fetch that has emptied the socket, the next Fetch makes no try before its sleep. If the
// caller passes a function that receives, each Fetch tries first.
func TestFetchTriesOnlyIfDataMayBeThere(t *testing.T) {
	for _, own := range []bool{false, true} {
		w, k := &scripted{}, &lone{Kernel: kernel.Host}
		d := New(k, 1000, w)
		d.ShortIsAll, d.registered = true, true
		slept := false
		w.sleep = func() Errno { slept = true; d.Ready(poller.In); return 0 }
		tries := 0
		k.try = func() (int, Errno) { tries++; return 5, 0 }
		var receive Receive
		if own {
			receive = func([]byte, int) (int, Errno) { return k.try() }
		}
		for range 2 {
			room, n, e := d.Fetch(&Call{Limit: timeout.None}, receive)
			if room == nil || n != 5 || e != 0 {
				t.Fatal(n, e)
			}
			Scratch.Put(room)
		}
		if slept == own || tries != 2 {
			t.Errorf("own function %v: slept %v, %d tries", own, slept, tries)
		}
	}
}

// At the end of input and after an error Fetch returns no buffer.
func TestFetchReturnsABufferOnlyWithData(t *testing.T) {
	k := &lone{Kernel: kernel.Host}
	d := New(k, 1000, &scripted{})
	for _, e := range []Errno{0, kernel.EAGAIN, kernel.EPERM} { // EPERM is 1
		k.try = func() (int, Errno) { return 0, e }
		if room, n, got := d.Fetch(&Call{}, nil); room != nil || n != 0 || got != e {
			t.Errorf("%v: a buffer %v, %d bytes, %v", e, room != nil, n, got)
		}
	}
	k.try = func() (int, Errno) { return 1, 0 }
	room, n, e := d.Fetch(&Call{}, nil)
	if room == nil || n != 1 || e != 0 {
		t.Fatal("one byte:", n, e)
	}
	Scratch.Put(room)
}

// Objects is 0 until a Poll has set its function, even if there are hooks.
func TestObjectsOfAPoll(t *testing.T) {
	d := New(kernel.Host, 1000, &scripted{})
	before := d.Objects()
	d.AddHook(&Hook{F: func() {}})
	hooked := d.Objects()
	d.SetObjects(func() int { return 7 })
	if n := d.Objects(); before != 0 || hooked != 0 || n != 7 {
		t.Errorf("%d objects, %d with a hook, %d at the end; want 0, 0, 7", before, hooked, n)
	}
}
