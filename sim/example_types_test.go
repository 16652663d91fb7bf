package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// The test chooses the calls that fail. Two reads return one byte each, and one read returns an
// error.
func ExampleInjection() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	l, _ := h.Socket(1, 1, 0) // a Unix socket
	h.Bind(l, reactor.UnixAddr("/s"))
	h.Listen(l, 1)
	out, _ := h.Socket(1, 1, 0)
	h.Connect(out, reactor.UnixAddr("/s"))
	in, _, _ := h.Accept(l)
	h.Inject(sim.Injection{Call: sim.Recv, Nth: 1, Count: 2, Short: 1})
	h.Inject(sim.Injection{Call: sim.Recv, Nth: 3, Errno: sim.Recv.Errors()[0]})
	h.Send(out, []byte("hello"), 0)
	for range 4 {
		p := make([]byte, 10)
		n, e := h.Recv(in, p, 0)
		fmt.Printf("%q %v\n", p[:n], e == 0)
	}
	var list []sim.Fault = w.Faults()
	fmt.Println(len(list), "faults, the last:", list[len(list)-1])
	// Output:
	// "h" true
	// "e" true
	// "" false
	// "llo" true
	// 3 faults, the last: 10.0.0.1 recv #3: ECONNRESET
}

// Each Call has a list of its possible errors, so a test can inject each of them.
func ExampleCall() {
	for _, c := range []sim.Call{sim.Listen, sim.Connect} {
		var names []string
		for _, e := range c.Errors() {
			names = append(names, sim.ErrnoName(e))
		}
		fmt.Println(c, names)
	}
	// Output:
	// listen [EADDRINUSE ENOBUFS]
	// connect [ECONNREFUSED ENETUNREACH EHOSTUNREACH EADDRNOTAVAIL ENOBUFS ETIMEDOUT EPERM]
}

// A tenth of the packets is lost. Runs with the same seed lose the same packets.
func ExampleFaults() {
	var tenth sim.Chance = 10 * sim.Percent
	count := func(seed uint64) (lost int) {
		w := sim.New(seed, sim.Options{Faults: sim.Faults{Loss: tenth}})
		defer w.Close()
		a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
		to := reactor.AddrFrom(addr("10.0.0.2:53"))
		s, _ := b.Socket(2, 2, 0)
		b.Bind(s, to)
		c, _ := a.Socket(2, 2, 0)
		for range 1000 {
			a.SendTo(c, []byte("x"), 0, to)
		}
		_ = w.Run(time.Second)
		for _, f := range w.Faults() {
			if f.Kind == sim.Lost {
				lost++
			}
		}
		return lost
	}
	n := count(1)
	fmt.Println(n > 50 && n < 150, n == count(1))
	// Output: true true
}

// A program draws random numbers from its host's Rand. A replay then draws the same numbers.
func ExampleRand() {
	throw := func() (dice []int) {
		w := sim.New(7, sim.Options{})
		defer w.Close()
		var r *sim.Rand = w.Host("10.0.0.1").Rand()
		for range 5 {
			dice = append(dice, 1+r.Int(6))
		}
		return dice
	}
	first, second := throw(), throw()
	fmt.Println(slices.Equal(first, second))
	// Output: true
}

// A program waits for input that nobody sends. The error lists what each program waits for.
func ExampleDeadlock() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		_ = r.Run(context.Background())
	})
	err := w.RunUntilDone(time.Hour)
	var d *sim.Deadlock
	fmt.Println(errors.As(err, &d), len(d.Waiting))
	// Output: true 1
}

// A program sends a text that does not depend on the seed only, so two runs have different
// histories. The Difference is the first step that differs.
func ExampleDifference() {
	runs := 0
	var d *sim.Difference = sim.Compare(1, sim.Options{}, func(w *sim.World) error {
		runs++
		w.Note("this is run %d", runs)
		return nil
	})
	fmt.Println(d)
	// Output:
	// both runs:
	// the first step that differs:
	// 	first run:         0   0.000000000s this is run 1
	// 	second run:        0   0.000000000s this is run 2
}

// A program appends two records to a log and syncs only the first one. After a power cut the first
// record is there. The second record may be lost or torn.
func ExampleDisk() {
	w := sim.New(4, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	var d *sim.Disk = h.Disk()
	h.Boot("main", func() {
		if text, err := d.ReadFile("log"); err == nil {
			fmt.Printf("after the crash: %q\n", text)
			return
		}
		var f *sim.File
		f, err := d.Create("log")
		if err != nil {
			panic(err)
		}
		f.Write([]byte("one\n"))
		f.Sync()
		d.SyncDir(".") // makes the new name durable
		f.Write([]byte("two\n"))
		h.Crash()
	})
	_ = w.Run(time.Second)
	h.Restart()
	_ = w.Run(time.Second)
	// Output: after the crash: "one\n"
}

// The two directions between two hosts are two Links, each with its own latency. One direction is
// cut for half a second. So the refusal of a connect arrives late.
func ExampleLink() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	var there *sim.Link = w.Link(a, b).SetLatency(80*time.Millisecond, 0)
	w.Link(b, a).SetLatency(20*time.Millisecond, 0)
	fd, _ := a.Socket(2, 1, 0)
	begin := w.Now()
	var c *sim.Cut = there.Cut()
	w.At(time.Second/2, c.Heal)
	a.Connect(fd, reactor.AddrFrom(addr("10.0.0.2:80")))
	_ = w.RunUntil(func() bool { n, _ := a.GetOpt(fd, 1, 4); return n != 0 }, 0) // SO_ERROR
	fmt.Println("refused after", w.Now()-begin)
	// Output: refused after 1.1s
}

// A Rule loses the first two datagrams that say "hello".
func ExampleRule() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	lost := 0
	var r *sim.Rule = w.AddRule(func(p sim.Packet) (f sim.Fate) {
		var kind sim.PacketKind = p.Kind
		if kind == sim.PacketDatagram && string(p.Data) == "hello" && lost < 2 {
			lost++
			f.Lose = true
		}
		return f
	})
	in, _ := b.Socket(2, 2, 0)
	b.Bind(in, reactor.AddrFrom(addr("10.0.0.2:53")))
	out, _ := a.Socket(2, 2, 0)
	for i := range 4 {
		a.SendTo(out, []byte("hello"), 0, reactor.AddrFrom(addr("10.0.0.2:53")))
		_ = w.Run(time.Second)
		_, e := b.Recv(in, make([]byte, 9), 0)
		fmt.Println(i, e == 0)
	}
	r.Remove()
	// Output:
	// 0 false
	// 1 false
	// 2 true
	// 3 true
}

// Netstat shows what each program has open.
func ExampleSocketInfo() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("server", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		r.Listen("tcp4", ":80", func(*reactor.Conn) reactor.Handler { return nil })
		_ = r.Run(context.Background())
	})
	_ = w.Run(time.Second)
	for _, s := range w.Netstat() {
		var i sim.SocketInfo = s
		fmt.Println(i.FD, i.Program, i.Kind+"."+i.State)
	}
	// Output:
	// 1000 server poller.
	// 1001 server tcp.LISTEN
}

// A panic of a program ends the run. The Failure names the program, and the cause of the Failure
// has the stack.
func ExampleFailure() {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	w.Host("10.0.0.1").Boot("main", func() { panic("ouch") })
	err := w.Run(time.Second)
	var f *sim.Failure
	var p *sim.ProgramPanic
	if errors.As(err, &f) && errors.As(err, &p) {
		fmt.Println("seed", f.Seed, "program", p.Program, "panics:", p.Value)
	}
	// Output: seed 1 program 10.0.0.1/main panics: ouch
}

// The Shrunk lists the faults that the failure needs. A second run with only these faults fails in
// the same way.
func ExampleShrunk() {
	lossless := func(w *sim.World) error {
		return asks(w, func(i int, _ sim.Errno, answered bool) error {
			if !answered && i > 50 {
				return fmt.Errorf("question %d has no answer", i)
			}
			return nil
		})
	}
	var s *sim.Shrunk = sim.Shrink(4, sim.Options{}, lossless)
	w := sim.New(4, sim.Options{Faulty: s.Faults})
	defer w.Close()
	err := lossless(w)
	fmt.Println(s.Least, err)
	// Output: true seed=4 step=1074 at=113.984894ms: question 53 has no answer
}

// The simulated kernel follows the rules of one system. For example, a connect to a closed port of
// the same host fails at once on FreeBSD, and a moment later on other systems.
func ExampleKernel() {
	for _, system := range []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD} {
		w := sim.New(1, sim.Options{Kernel: system})
		h := w.Host("10.0.0.1")
		var a sim.Addr = reactor.AddrFrom(addr("10.0.0.1:80"))
		fd, _ := h.Socket(2, 1, 0)
		e := h.Connect(fd, a)
		fmt.Println(w.Kernel(), sim.ErrnoName(e))
		w.Close()
	}
	// Output:
	// Linux EINPROGRESS
	// FreeBSD ECONNREFUSED
	// NetBSD EINPROGRESS
}

// A Kind names the fault.
func ExampleKind() {
	fmt.Println(sim.Lost, sim.Late, sim.Crashed)
	// Output: lost late crash
}
