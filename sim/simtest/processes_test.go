package simtest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// parallel is a program whose process ends: a goroutine reads a connection of the loop. An
// http.Transport does the same.
func parallel(w *sim.World) error {
	program(w.Host("10.0.0.1"), func(r *reactor.Reactor) error {
		_, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return discard{} })
		return err
	})
	program(w.Host("10.0.0.2"), func(r *reactor.Reactor) error {
		r.Go(func(t *reactor.Task) {
			t.Sleep(time.Millisecond)
			c, err := netconn.On(r).Dial("tcp", "10.0.0.1:80")
			if err != nil {
				return
			}
			read := make(chan error)
			go func() {
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			<-read
		})
		return nil
	})
	return w.Run(time.Second)
}

// leaky drops connections without closing them, and makes garbage for the collector.
func leaky(w *sim.World) error {
	program(w.Host("10.0.0.1"), func(r *reactor.Reactor) error {
		_, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return discard{} })
		return err
	})
	h := w.Host("10.0.0.2")
	ended := false
	h.Boot("leaky", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			panic(err)
		}
		r.Go(func(t *reactor.Task) {
			for range 50 {
				t.Sleep(10 * time.Millisecond)
				garbage = make([]byte, 100_000)
				netconn.On(r).Dial("tcp", "10.0.0.1:80")
			}
			ended = true
			r.Close()
		})
		r.Run(context.Background())
	})
	if err := w.RunUntil(func() bool { return ended }, time.Minute); err != nil {
		return err
	}
	if err := w.Run(time.Second); err != nil {
		return err
	}
	return fmt.Errorf("%d are left:\n%s", len(w.Leaks()), strings.Join(w.Leaks(), "\n"))
}

var garbage []byte

// A connection that a program drops without Close stays open, even after a garbage collection. The
// report of the leak names the line that has opened the connection.
func TestADroppedConnectionIsALeak(t *testing.T) {
	if !longtest.Default(t, "runs with many garbage collections") {
		return
	}
	f := &failing{TB: t}
	simtest.Check(f, 1, leaky)
	for _, want := range []string{"50 are left", "connected), made at simtest/processes_test.go:"} {
		if !strings.Contains(f.text, want) {
			t.Errorf("%.500q\ndoes not say %q", f.text, want)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	hashes := map[uint64]bool{}
	for _, gc := range []int{1, 3, 8, 20, 50, 100, 400, -1} {
		debug.SetGCPercent(gc)
		w := sim.New(7, sim.Options{})
		leaky(w)
		hashes[w.Hash()] = true
		w.Close()
		runtime.GC()
	}
	if len(hashes) != 1 {
		t.Errorf("%d histories under eight values of GOGC", len(hashes))
	}
}

// TestMain runs the part that SIMTEST_CHILD names if this process is a child of a test.
func TestMain(m *testing.M) {
	switch os.Getenv("SIMTEST_CHILD") {
	case "hash":
		w := sim.New(7, sim.Options{})
		leaky(w)
		fmt.Printf("%#x", w.Hash())
		os.Exit(0)
	case "parallel":
		fmt.Println(parallel(sim.New(1, sim.Options{})))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(what, gogc string) ([]byte, error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "SIMTEST_CHILD="+what, "GOGC="+gogc)
	return c.CombinedOutput()
}

// Many processes have the same history for one seed, even if the program drops connections that the
// garbage collector then finds.
func TestOneHistoryInManyProcesses(t *testing.T) {
	if !longtest.Default(t, "it starts processes") {
		return
	}
	want, err := child("hash", "100")
	if err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	for i := range longtest.Count(0, 5, 50) {
		if got, err := child("hash", fmt.Sprint(1+i*i)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("GOGC=%d: %s, want %s (%v)", 1+i*i, got, want, err)
		}
	}
}

// A program starts a goroutine that uses a connection of the loop, as many libraries do. The
// process ends at the first kernel call of this goroutine.
func TestAGoroutineBesideTheLoopIsNoticed(t *testing.T) {
	if !longtest.Default(t, "it starts a process") {
		return
	}
	if text, err := child("parallel", "100"); err == nil || !strings.Contains(string(text), "from a goroutine of its own") {
		t.Errorf("%v: %s", err, text)
	}
}
