package simnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
	"github.com/ureactor/ureactor/sim/simtest"
)

// shouts is an HTTP handler that answers in capitals, some requests after a delay.
func shouts(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == "/slow" {
		time.Sleep(100 * time.Millisecond)
	}
	io.WriteString(w, strings.ToUpper(string(body)))
}

// serve runs an http.Server on the host until the host is down. It repeats Listen until no fault
// prevents it.
func serve(h *simnet.Host) (*http.Server, error) {
	l, err := h.Listen("tcp", ":80")
	for try := 0; err != nil; try++ {
		if try == 100 {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond) // at the same virtual time the call would have the same fault
		l, err = h.Listen("tcp", ":80")
	}
	s := &http.Server{Handler: http.HandlerFunc(shouts), ErrorLog: log.New(io.Discard, "", 0), ReadTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second}
	go s.Serve(l)
	return s, nil
}

// ask makes n requests, and repeats each one for at most 2 minutes until it is answered.
func ask(h *simnet.Host, url string, n int) error {
	tr := &http.Transport{DialContext: h.DialContext, IdleConnTimeout: 5 * time.Second}
	defer tr.CloseIdleConnections()
	c := http.Client{Transport: tr, Timeout: 5 * time.Second}
	for i := range n {
		want := fmt.Sprintf("HELLO %d", i)
		var errs error
		for try := 0; ; try++ {
			got, err := post(&c, url, strings.ToLower(want))
			if err == nil {
				if got != want {
					return fmt.Errorf("got %q, want %q", got, want)
				}
				break
			}
			if errs = errors.Join(errs, err); try == 40 {
				return errs
			}
			time.Sleep(time.Second)
		}
	}
	return nil
}

func post(c *http.Client, url, body string) (string, error) {
	r, err := c.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return "", errors.New(r.Status)
	}
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

// Package net/http runs in a bubble. Three clients send requests to an http.Server. The faults are
// losses, resets, short reads, errors of calls, a partition, and a crash after which the server
// restarts. Every request is answered in the end.
func TestHTTPServerUnderFaults(t *testing.T) {
	simtest.CheckWith(t, longtest.Count(10, 100, 1000), func(uint64) sim.Options {
		return sim.Options{Latency: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Faults: storm}
	}, func(w *sim.World) error { return simnet.Run(t, w, troubled) })
}

var storm = sim.Faults{ShortRead: 10 * sim.Percent, ShortWrite: 10 * sim.Percent, Again: 5 * sim.Percent,
	Error: sim.Percent / 5, Loss: 3 * sim.Percent, Reset: sim.Percent, SlowAccepts: 10 * sim.Percent}

func troubled(n *simnet.Net) error {
	server := n.Host("10.0.0.1")
	s, err := serve(server)
	if err != nil {
		return err
	}
	var clients sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		h := n.Host(fmt.Sprintf("10.0.0.1%d", i))
		url := []string{"http://10.0.0.1/", "http://10.0.0.1/slow"}[i%2]
		clients.Go(func() { errs[i] = ask(h, url, 5) })
	}
	time.Sleep(20 * time.Millisecond)
	n.Do(func(w *sim.World) { w.Isolate(server.Sim()) })
	time.Sleep(time.Second)
	n.Do(func(w *sim.World) { w.Heal() })
	time.Sleep(100 * time.Millisecond)
	n.Do(func(w *sim.World) { server.Sim().Crash() })
	s.Close()
	time.Sleep(time.Second)
	n.Do(func(w *sim.World) { server.Sim().Restart() })
	if s, err = serve(server); err != nil {
		return err
	}
	clients.Wait()
	n.Do(func(w *sim.World) { w.SetFaults(sim.Faults{}) })
	return errors.Join(append(errs, s.Shutdown(context.Background()))...)
}
