//go:build unix

package h1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simtest"
)

// inWorld serves a site on one simulated host, and runs the client in a task on another.
func inWorld(w *sim.World, client func(h *sim.Host, t *reactor.Task, c *netconn.Conn) error) error {
	program := func(h *sim.Host, begin func(r *reactor.Reactor) error) {
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err != nil {
				panic(err)
			}
			if err := begin(r); err != nil {
				panic(err)
			}
			_ = r.Run(context.Background())
		})
	}
	program(w.Host("10.0.0.1"), func(r *reactor.Reactor) error {
		_, err := r.Listen("tcp", ":80", testSite().Accept, Limits)
		return err
	})
	var failed error
	done := false
	host := w.Host("10.0.0.2")
	program(host, func(r *reactor.Reactor) error {
		r.Go(func(t *reactor.Task) {
			defer func() { done = true; r.Close() }()
			if failed = t.Sleep(time.Second); failed != nil {
				return
			}
			c, err := netconn.On(r).Dial("tcp", "10.0.0.1:80")
			if failed = err; err != nil {
				return
			}
			defer c.Close()
			failed = client(host, t, c.(*netconn.Conn))
		})
		return nil
	})
	if err := w.RunUntil(func() bool { return done }, 2*time.Hour); err != nil {
		return err
	}
	return failed
}

// A pipeline of all kinds of requests is answered although each kernel call, on either side, reads
// and writes only a few bytes.
func TestPipelineUnderFaults(t *testing.T) {
	options := func(seed uint64) sim.Options {
		return sim.Options{Kernel: []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD}[seed%3], Buffer: 4 << 10,
			Faults: sim.Faults{ShortRead: 40 * sim.Percent, ShortWrite: 40 * sim.Percent, Spurious: 20 * sim.Percent}}
	}
	simtest.CheckWith(t, longtest.Count(3, 100, 2000), options, func(w *sim.World) error {
		return inWorld(w, func(host *sim.Host, task *reactor.Task, c *netconn.Conn) error {
			text := ""
			var want []string
			rng := host.Rand()
			for range 20 {
				body := strings.Repeat("body", rng.Int(3000))
				text += strings.Repeat("\r\n", rng.Int(3))
				switch rng.Int(3) {
				case 0:
					text += "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
					body = greeting
				case 1:
					text += fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
				case 2:
					text += "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
					for p := body; len(p) > 0; {
						k := min(len(p), 1+rng.Int(5000))
						text += fmt.Sprintf("%x\r\n%s\r\n", k, p[:k])
						p = p[k:]
					}
					text += "0\r\n\r\n"
				}
				want = append(want, body)
			}
			writer := task.Go(func(*reactor.Task) { _, _ = io.WriteString(c, text) })
			in := bufio.NewReader(c)
			for i, body := range want {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					return fmt.Errorf("answer %d: %w", i, err)
				}
				if got, err := io.ReadAll(res.Body); err != nil || string(got) != body {
					return fmt.Errorf("answer %d: %d bytes, %w; want %d", i, len(got), err, len(body))
				}
			}
			_, err := task.Join(writer)
			return err
		})
	})
}

// A head or a body has a time limit as a whole: if it trickles, the client gets 408. Each request
// has a limit of its own, so a slow series of requests is answered. A connection without a request
// is closed silently. Empty lines are no requests.
func TestTricklingHasALimit(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, c := range map[string]struct {
		text  string
		pause time.Duration
		most  time.Duration
		want  string
	}{
		"head":     {strings.Repeat("GET / HTTP/1.1\r\nA: b", 100), 2 * time.Second, time.Minute + 5*time.Second, "408 "},
		"body":     {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 500), time.Second, time.Minute + 5*time.Second, "408 "},
		"chunks":   {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 200), time.Second, time.Minute + 5*time.Second, "408 "},
		"requests": {strings.Repeat(get, 20), time.Second, 20 * time.Minute, ""},
		"nothing":  {"", time.Second, time.Minute + 5*time.Second, ""},
		"line":     {"\r\n", time.Second, time.Minute + 5*time.Second, ""},
		"lines":    {strings.Repeat("\r\n", 500), time.Second, time.Minute + 5*time.Second, ""},
		"behind":   {get + strings.Repeat("\r\n", 500), time.Second, 2 * time.Minute, "200 OK"},
	} {
		simtest.Check(t, 3, func(w *sim.World) error {
			return inWorld(w, func(host *sim.Host, task *reactor.Task, conn *netconn.Conn) error {
				began := host.Now()
				task.Go(func(task *reactor.Task) {
					for _, b := range []byte(c.text) {
						if _, err := conn.Write([]byte{b}); err != nil || task.Sleep(c.pause) != nil {
							return
						}
					}
				})
				got, err := io.ReadAll(conn)
				took := time.Duration(host.Now() - began)
				switch {
				case err != nil || took > c.most:
					return fmt.Errorf("%s: after %v: %q, %w", name, took, got, err)
				case c.want != "" && !strings.HasPrefix(string(got), "HTTP/1.1 "+c.want):
					return fmt.Errorf("%s: %q, want %s", name, got, c.want)
				case name == "requests" && strings.Count(string(got), "200 OK") != 20, (name == "nothing" || name == "line") && len(got) > 0:
					return fmt.Errorf("%s: %q", name, got)
				}
				return nil
			})
		})
	}
}
