//go:build unix

package inspect

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/reactor"
)

const token = "sixteen bytes or more"

// long is how long a test waits for something that must come.
const long = 20 * time.Second

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte) { _ = c.Send(p) }
func (echo) Closed(*reactor.Conn, error)    {}
func accept(*reactor.Conn) reactor.Handler  { return echo{} }

// started is a loop that runs until the test ends.
func started(t *testing.T, opts ...reactor.Option) *reactor.Reactor {
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

// dial connects and has one byte echoed.
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

// get asks the handler for a page. headers are pairs of names and values.
func get(h http.Handler, to string, headers ...string) *httptest.ResponseRecorder {
	return ask(h, httptest.NewRequest("GET", "http://127.0.0.1/"+to, nil), headers...)
}

func ask(h http.Handler, r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// post sends an action: action, id, token.
func post(h http.Handler, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://127.0.0.1/do", strings.NewReader(form.Encode()))
	return ask(h, r, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// decode reads a page's JSON.
func decode[T any](t *testing.T, h http.Handler, to string) (v T) {
	t.Helper()
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	w := get(h, to+sep+"format=json")
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", to, w.Code, w.Body)
	}
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", to, err)
	}
	return v
}

// eventually waits until f holds. A Handler asks for new pictures only now and then.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for until := time.Now().Add(long); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within %v: %s", long, what)
		}
	}
}

// wantPanic wants a panic that says what to do.
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
