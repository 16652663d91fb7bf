package sim_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

var (
	update    = flag.Bool("update", false, "write testdata")
	histories = flag.String("histories", "", "write the histories of random calls into this `directory`, to compare two revisions")
)

// historiesFile has the hashes with which TestHistoriesOfRandomCalls compares.
const historiesFile = "testdata/histories.txt"

// Programs on each kernel make random calls, while the world makes faults of all kinds. The test
// compares hashes of the results, of the history and of each report with a file. Only a change of
// package sim may change these hashes. Then run the test with -update.
func TestHistoriesOfRandomCalls(t *testing.T) {
	written, err := os.ReadFile(historiesFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	const all = 18
	n := longtest.Count(1, 6, all)
	if *update {
		n = all
	}
	var lines strings.Builder
	for seed := range uint64(n) {
		k := []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}[seed%3]
		for _, part := range randomHistory(t, seed, k) {
			h := fnv.New32a()
			io.WriteString(h, part.text)
			line := fmt.Sprintf("%v %d %s %08x\n", k, seed, part.name, h.Sum32())
			if lines.WriteString(line); !*update && !bytes.Contains(written, []byte(line)) {
				t.Errorf("another %s of seed %d on %v; write both revisions' with -histories and compare them", part.name, seed, k)
			}
			if *histories != "" {
				if err := os.WriteFile(filepath.Join(*histories, fmt.Sprintf("%v-%d-%s", k, seed, part.name)), []byte(part.text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if *update {
		if err := os.WriteFile(historiesFile, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A part is a part of a history, or a report about the history.
type part struct{ name, text string }

// randomHistory runs random calls under a seed. One in three worlds of a kernel has no random
// faults, and one in two stores its whole trace.
func randomHistory(t *testing.T, seed uint64, k sim.Kernel) (parts []part) {
	opt := sim.Options{Kernel: k, Trace: []int{-1, 300}[seed/3%2], Files: 60}
	if seed/3%3 > 0 {
		opt.Faults = hostile
		opt.Faults.NeverReads, opt.Faults.Reset = 2*sim.Percent, sim.Percent
	}
	if seed/3%2 == 1 {
		opt.Buffer, opt.Bandwidth = 4<<10, 1<<20
	}
	w := sim.New(seed, opt)
	defer w.Close()
	w.Name("db", "10.0.0.2", "fd00::2")
	var results strings.Builder
	hosts := []*sim.Host{w.Host("10.0.0.1", "10.0.9.1", "fd00::1"), w.Host("10.0.0.2", "fd00::2")}
	for _, h := range hosts {
		log := slog.New(h.LogHandler())
		for _, name := range []string{"one", "two"} {
			h.Boot(name, func() {
				c := newScripter(h, h.Rand())
				for i := range 200 {
					if c.step(); i%40 == 0 {
						log.Info("at", "step", i)
					}
				}
				fmt.Fprintf(&results, "%s %s at %v\n%s", h, name, w.Now(), c.log.String())
			})
		}
	}
	for range 40 {
		w.At(time.Duration(w.Rand().N(int64(4*time.Second))), func() { happening(w, hosts, &results) })
	}
	err := w.RunUntilDone(time.Minute)
	fmt.Fprintf(&results, "%v, at %v, step %d, %d calls, %d faults, %v\n", err, w.Now(), w.Step(), w.Calls(), w.Injected(), w.Reached())
	for _, f := range w.Faults() {
		fmt.Fprintln(&results, f, f.At, f.Of, f.Short, f.Delay)
	}
	w.Fail(errors.New("ouch"))
	add := func(name string, write func(to io.Writer) error) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Error(err)
		}
		parts = append(parts, part{name, b.String()})
	}
	parts = append(parts, part{"results", results.String()}, part{"hash", fmt.Sprintf("%x\n", w.Hash())})
	add("trace", w.WriteTrace)
	add("log", func(to io.Writer) error { return w.WriteLog(to, 40) })
	add("around", w.WriteAround)
	add("diagram", w.WriteDiagram)
	add("drawing", w.WriteSVG)
	add("named", func(to io.Writer) error {
		return w.WriteNamed(to, "10.0.0.1:7, 10.0.0.2:40000, "+results.String(), 100)
	})
	add("pages", func(to io.Writer) error {
		for _, p := range w.SVGPages() {
			fmt.Fprintln(to, p.Faults, p.Fails, string(p.SVG))
		}
		return nil
	})
	add("descriptors", func(to io.Writer) error {
		for _, i := range w.Netstat() {
			fmt.Fprintln(to, i)
		}
		for _, leak := range w.Leaks() {
			leak, _, _ = strings.Cut(leak, ", made at")
			fmt.Fprintln(to, leak)
		}
		return nil
	})
	return parts
}

// happening makes a random change to the world.
func happening(w *sim.World, hosts []*sim.Host, out io.Writer) {
	r := w.Rand()
	a, b := hosts[r.Int(2)], hosts[r.Int(2)]
	other := hosts[0]
	if other == a {
		other = hosts[1]
	}
	fds := 1000 + r.Int(20)
	switch r.Int(26) {
	case 0:
		cut := w.Link(a, other).Cut()
		w.At(300*time.Millisecond, cut.Heal)
	case 1:
		w.Isolate(a)
	case 2, 3:
		w.Heal()
	case 4, 25:
		w.Swizzle(time.Second)
	case 5:
		a.Crash()
		w.At(100*time.Millisecond, a.Restart)
	case 6:
		a.Kill("one")
		w.At(10*time.Millisecond, func() { a.Start("one") })
	case 7:
		a.Pause(50 * time.Millisecond)
	case 8:
		a.StepClock(time.Duration(r.N(int64(time.Hour))) - time.Minute)
	case 9:
		a.SetClock(sim.Chance(r.Int(400_000) - 200_000))
	case 10:
		fmt.Fprintln(out, "reset", a.Reset(uint16([]int{0, 7, 8}[r.Int(3)])))
	case 11:
		a.InjectPacket(sim.PacketInjection{To: b, Nth: 1 + r.Int(5), Kind: sim.Late, Delay: time.Duration(1 + r.N(int64(time.Second))), Count: r.Int(3)})
	case 12:
		a.InjectPacket(sim.PacketInjection{Nth: 1 + r.Int(5), Kind: []sim.Kind{sim.Lost, sim.Doubled, sim.Reset}[r.Int(3)], Count: r.Int(3)})
	case 13:
		a.Inject(sim.Injection{Call: sim.Calls()[r.Int(len(sim.Calls()))], Nth: 1 + r.Int(5), Errno: kernel.EIO})
	case 14:
		a.Inject(sim.Injection{Call: []sim.Call{sim.Send, sim.Recv, sim.SendV, sim.SendBatch, sim.RecvBatch}[r.Int(5)], Nth: 1, Short: 1 + r.Int(3), Count: 5})
	case 15:
		if ready, e := a.Ready(fds); e == 0 {
			fmt.Fprintln(out, "ready", ready, "endless", a.Endless(fds, []byte("more")))
		}
	case 16:
		a.During([]sim.Call{sim.Send, sim.Recv, sim.Connect}[r.Int(3)], 1+r.Int(3), func(fd int) { a.Shutdown(fd, r.Int(3)) })
	case 17:
		w.Link(a, other).SetLatency(time.Duration(r.N(int64(20*time.Millisecond))), time.Millisecond).SetLoss(sim.Chance(r.Int(100_000))).
			SetBandwidth([]int64{0, 10_000, 1 << 20}[r.Int(3)]).SetMTU([]int{0, 100, 1448}[r.Int(3)])
	case 18:
		a.SetLatency(time.Duration(r.N(int64(5 * time.Millisecond))))
	case 19:
		a.SetFileLimit(20 + r.Int(60))
	case 20:
		rule := w.AddRule(func(p sim.Packet) sim.Fate {
			fmt.Fprintln(out, p.Kind, p.From, p.To, p.Source, p.Destination, len(p.Data), p.Nth, p.SourceNth)
			return sim.Fate{Lose: p.Nth%7 == 0, Double: p.Nth%3 == 0}
		})
		w.At(100*time.Millisecond, rule.Remove)
	case 21:
		rd, wr, e := a.Pipe()
		ready, e2 := a.Ready(rd)
		fmt.Fprintln(out, "pipe", rd, wr, e, ready, e2)
		a.Close([]int{rd, wr}[r.Int(2)])
	case 24:
		a.Disk().SetLimit(int64(r.Int(10_000)))
	case 22:
		a.SetNonblock(fds, r.Int(2) == 0)
	case 23:
		w.Sometimes("a is down", !a.Up())
		fmt.Fprintln(out, a.Packets(b), a.Files(), poller.Readiness(0), a.Time(), w.Netstat())
	}
}
