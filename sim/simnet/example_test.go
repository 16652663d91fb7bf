package simnet_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
	"github.com/ureactor/ureactor/sim/simtest"
)

// hello is an HTTP handler that needs one second.
type hello struct{}

func (hello) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(time.Second) // virtual time
	fmt.Fprint(w, "hello")
}

// An http.Client sends a request to an http.Server over a slow network, which is cut for 3 s. All
// times are virtual.
func ExampleNew() {
	bubble(outage)
	// Output: hello <nil> after 4.2s
}

func outage() {
	n := simnet.New(sim.New(1, sim.Options{Latency: 50 * time.Millisecond, Jitter: 1}))
	defer n.Close()
	server, client := n.Host("10.0.0.1"), n.Host("10.0.0.2")
	l, err := server.Listen("tcp", ":80")
	if err != nil {
		panic(err)
	}
	s := &http.Server{Handler: hello{}}
	defer s.Close()
	go s.Serve(l)
	n.Do(func(w *sim.World) {
		cut := w.Link(server.Sim(), client.Sim()).Cut()
		w.At(3*time.Second, cut.Heal)
	})
	c := http.Client{Transport: &http.Transport{DialContext: client.DialContext}}
	began := time.Now()
	r, err := c.Get("http://10.0.0.1/")
	if err != nil {
		panic(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	fmt.Printf("%s %v after %v\n", body, err, time.Since(began).Round(100*time.Millisecond))
}

// A Host has the functions of package net as methods.
func ExampleHost() {
	bubble(func() {
		n := simnet.New(sim.New(1, sim.Options{}))
		defer n.Close()
		var h *simnet.Host = n.Host("10.0.0.1")
		p, err := h.ListenPacket("udp", ":53")
		if err != nil {
			panic(err)
		}
		fmt.Println(h, p.LocalAddr(), p.Close())
	})
	// Output: 10.0.0.1 [::]:53 <nil>
}

// Do crashes a host at a time of the world.
func ExampleNet_Do() {
	bubble(func() {
		var n *simnet.Net = simnet.New(sim.New(1, sim.Options{}))
		defer n.Close()
		h := n.Host("10.0.0.1")
		l, err := h.Listen("tcp", ":80")
		if err != nil {
			panic(err)
		}
		n.Do(func(w *sim.World) { w.At(time.Minute, h.Sim().Crash) })
		began := time.Now()
		_, err = l.Accept()
		fmt.Println(err != nil, time.Since(began), h.Up(), l.Close())
	})
	// Output: true 1m0s false <nil>
}

// TestHello runs under 100 seeds. Each run has its own bubble and world.
func TestHello(t *testing.T) {
	simtest.Check(t, 100, func(w *sim.World) error {
		return simnet.Run(t, w, func(n *simnet.Net) error {
			server, client := n.Host("10.0.0.1"), n.Host("10.0.0.2")
			n.Do(func(w *sim.World) { w.SetFaults(sim.Faults{Loss: 5 * sim.Percent, ShortRead: 30 * sim.Percent}) })
			l, err := server.Listen("tcp", ":80")
			if err != nil {
				return err
			}
			s := &http.Server{Handler: hello{}}
			defer s.Close()
			go s.Serve(l)
			c := http.Client{Transport: &http.Transport{DialContext: client.DialContext}}
			r, err := c.Get("http://10.0.0.1/")
			if err != nil {
				return err
			}
			defer r.Body.Close()
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != "hello" {
				return fmt.Errorf("the answer is %q, %v", body, err)
			}
			return nil
		})
	})
}

// ExampleRun runs TestHello and prints whether it has passed.
func ExampleRun() {
	fmt.Println(test(TestHello))
	// Output: true
}

// bubble runs f in a bubble. A test would call synctest.Test for this.
func bubble(f func()) {
	test(func(t *testing.T) { synctest.Test(t, func(*testing.T) { f() }) })
}

// test runs f as a test without any output. It returns whether the test has passed.
func test(f func(t *testing.T)) (passed bool) {
	out := os.Stdout
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	defer null.Close()
	os.Stdout = null
	skip := flag.Lookup("test.skip").Value.String()
	all := func(pattern, _ string) (bool, error) { return pattern != skip, nil }
	var once sync.Once // RunTests obeys -count and -cpu
	passed = testing.RunTests(all, []testing.InternalTest{{Name: "TestX", F: func(t *testing.T) {
		os.Stdout = out
		defer func() { os.Stdout = null }()
		once.Do(func() { f(t) })
	}}})
	os.Stdout = out
	return passed
}
