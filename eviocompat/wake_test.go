//go:build linux || darwin || freebsd

package eviocompat

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// In evio the output of a Wake replaces pending output. In this package the output of each Wake is
// sent after the pending output.
func TestWakeLosesNoOutput(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	t.Parallel()
	first := noise(4 << 20)
	const wakes = 100
	var woken atomic.Int64
	opened := make(chan Conn, 1)
	at, stop := serve(t, Events{
		Opened: func(c Conn) ([]byte, Options, Action) { opened <- c; return first, Options{}, None },
		Data: func(c Conn, in []byte) ([]byte, Action) {
			if in != nil {
				return nil, Close
			}
			return fmt.Appendf(nil, "%03d", woken.Add(1)-1), None
		},
	}, "tcp://127.0.0.1:0")
	c := dial(t, at[0])
	server := <-opened
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range wakes / 10 {
				server.Wake()
			}
		})
	}
	all.Wait()
	for woken.Load() < wakes {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(c, "done")
	got, err := io.ReadAll(c)
	want := first
	for i := range wakes {
		want = fmt.Appendf(want, "%03d", i)
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	server.Wake() // the connection is closed, so nothing happens
	if err := stop(); err != nil || woken.Load() != wakes {
		t.Errorf("%v, %d wakes", err, woken.Load())
	}
	server.Wake()
}

// The loop waits in an event while more connections are woken than WithPostLimit allows. All the
// same, Data is called once for each Wake. The test does this twice.
func TestWakeHasNoPostLimit(t *testing.T) {
	t.Parallel()
	const conns = 5
	opened, woken := make(chan Conn, conns), make(chan Conn, conns)
	standing, goOn := make(chan bool), make(chan bool)
	at, stop := serveWith(t, []reactor.Option{reactor.WithPostLimit(1)}, Events{
		Opened: func(c Conn) (out []byte, o Options, a Action) { opened <- c; return },
		Data: func(c Conn, in []byte) (out []byte, a Action) {
			if in != nil {
				standing <- true
				<-goOn
				return
			}
			woken <- c
			return
		},
	}, "tcp://127.0.0.1:0")
	var peers []net.Conn
	var all []Conn
	for range conns {
		peers = append(peers, dial(t, at[0]))
		all = append(all, <-opened)
	}
	for range 2 {
		io.WriteString(peers[0], "stand")
		<-standing
		for _, c := range all {
			c.Wake()
		}
		goOn <- true
		for range all {
			select {
			case <-woken:
			case <-time.After(longtest.Guard):
				t.Fatal("a Wake is lost")
			}
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
