//go:build unix

package inspector

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

const token = "sixteen bytes or more"

// long is how long a test waits for an event that must come.
const long = longtest.Guard

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte) { _ = c.Send(p) }
func (echo) Closed(*reactor.Conn, error)    {}
func accept(*reactor.Conn) reactor.Handler  { return echo{} }

// started returns a loop that runs until the test ends.
func started(t testing.TB, opts ...reactor.Option) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.Shutdown(ctx)
	})
	return r
}

// inspect returns an Inspector of the loops.
func inspect(loops ...*reactor.Reactor) *Inspector { return New(Config{Loops: loops}) }

// on runs f on the loop.
func on(t *testing.T, r *reactor.Reactor, f func()) {
	t.Helper()
	done := make(chan struct{})
	if err := r.Post(func() { defer close(done); f() }); err != nil {
		t.Fatal(err)
	}
	<-done
}

// listen listens on a free port of the loop.
func listen(t *testing.T, r *reactor.Reactor, network string, accept func(*reactor.Conn) reactor.Handler, opts ...reactor.ListenOption) net.Addr {
	t.Helper()
	var at net.Addr
	on(t, r, func() {
		l, err := r.Listen(network, "127.0.0.1:0", accept, opts...)
		if err != nil {
			t.Error(err)
			return
		}
		at = l.Addr()
	})
	return at
}

// dial connects and exchanges one byte.
func dial(t *testing.T, to net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(to.Network(), to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(long))
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return c
}

// A got is the answer to a request.
type got struct {
	*Response
	body string
}

// get requests a page. headers contains names and values.
func get(h *Inspector, to string, headers ...string) got {
	return ask(h, "GET", "127.0.0.1", "/"+to, "", headers...)
}

func ask(h *Inspector, method, host, target, body string, headers ...string) got {
	r, ok := request(method, host, target, body, headers...)
	if !ok {
		panic(target)
	}
	w := h.Serve(r)
	return got{w, string(w.Body)}
}

// request makes a request. ok is false if the target is not valid.
func request(method, host, target, body string, headers ...string) (r *Request, ok bool) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, false
	}
	return &Request{Method: method, Host: host, Path: u.Path, Query: u.RawQuery, Body: strings.NewReader(body),
		Header: func(name string) string {
			for i := 0; i+1 < len(headers); i += 2 {
				if headers[i] == name {
					return headers[i+1]
				}
			}
			return ""
		}}, true
}

// post requests an action. The form has the fields action, id and token.
func post(h *Inspector, form url.Values, headers ...string) got {
	return ask(h, "POST", "127.0.0.1", "/do", form.Encode(), headers...)
}

// decode requests a page as JSON and decodes it.
func decode[T any](t *testing.T, h *Inspector, to string) (v T) {
	t.Helper()
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	w := get(h, to+sep+"format=json")
	if w.Code != codeOK {
		t.Fatalf("%s: %d %s", to, w.Code, w.body)
	}
	d := json.NewDecoder(strings.NewReader(w.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", to, err)
	}
	return v
}

// eventually waits until f holds. It is needed because a Handler requests new pictures only from
// time to time.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for until := time.Now().Add(long); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within %v: %s", long, what)
		}
	}
}

// wantPanic fails the test unless f panics with a message that says what to do.
func wantPanic(t *testing.T, says string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v, _ := recover().(string); !strings.Contains(v, says) {
			t.Errorf("panic %q does not say %q", v, says)
		}
	}()
	f()
}

// deep is a function in which a Task sleeps, so that its stack contains deep.
//
//go:noinline
func deep(t *reactor.Task) { _ = t.Sleep(time.Hour) }

// stand is a function in which a callback hangs.
//
//go:noinline
func stand(until chan struct{}) { <-until }

func TestMain(m *testing.M) {
	// Tests wait until a loop has hung for a second, and until stacks are a second old.
	longtest.AtOnce(8)
	os.Exit(m.Run())
}
