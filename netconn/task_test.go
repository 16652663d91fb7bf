//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// start runs a reactor until the end of the test.
func start(t testing.TB, opts ...reactor.Option) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), long)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return r
}

// inTask runs f in a task and waits for it.
func inTask(r *reactor.Reactor, f func(*reactor.Task)) {
	done := make(chan struct{})
	if err := r.Post(func() { r.Go(func(t *reactor.Task) { defer close(done); f(t) }) }); err != nil {
		panic(err)
	}
	<-done
}

// driven is a Conn of a loop that other goroutines may use. Each call runs in its own task.
type driven struct {
	r *reactor.Reactor
	net.Conn
}

func (d driven) Read(p []byte) (n int, err error) {
	inTask(d.r, func(*reactor.Task) { n, err = d.Conn.Read(p) })
	return n, err
}

func (d driven) Write(p []byte) (n int, err error) {
	inTask(d.r, func(*reactor.Task) { n, err = d.Conn.Write(p) })
	return n, err
}

func (d driven) Close() (err error) {
	inTask(d.r, func(*reactor.Task) { err = d.Conn.Close() })
	return err
}

func (d driven) SetDeadline(at time.Time) (err error) {
	inTask(d.r, func(*reactor.Task) { err = d.Conn.SetDeadline(at) })
	return err
}

func (d driven) SetReadDeadline(at time.Time) (err error) {
	inTask(d.r, func(*reactor.Task) { err = d.Conn.SetReadDeadline(at) })
	return err
}

func (d driven) SetWriteDeadline(at time.Time) (err error) {
	inTask(d.r, func(*reactor.Task) { err = d.Conn.SetWriteDeadline(at) })
	return err
}

// taskPipe returns a MakePipe for two connected ends on a loop. Each call on an end runs in a task.
func taskPipe(t testing.TB, r *reactor.Reactor, network string) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		address := free(t, network)
		inTask(r, func(*reactor.Task) {
			var l net.Listener
			if l, err = netconn.On(r).Listen(network, address); err != nil {
				return
			}
			defer l.Close()
			if c1, err = netconn.On(r).Dial(network, l.Addr().String()); err == nil {
				c2, err = l.Accept()
			}
		})
		if err != nil {
			return nil, nil, nil, err
		}
		c1, c2 = driven{r, c1}, driven{r, c2}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	}
}

// A connection that is used only in tasks of a loop fulfils x/net's contract of net.Conn.
func TestConnInTasks(t *testing.T) {
	if !longtest.Default(t, "nettest once more") {
		return
	}
	r := start(t)
	for _, network := range families() {
		for i := range rounds() {
			t.Run(fmt.Sprint(network, "/", i), func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, taskPipe(t, r, network))
			})
		}
	}
}

// Unchanged net/http code parses requests in tasks, for a hundred connections of one loop at once.
func TestHTTPRequestsInTasks(t *testing.T) {
	r := start(t)
	addr := make(chan net.Addr, 1)
	r.Post(func() {
		r.Go(func(t *reactor.Task) {
			l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			defer l.Close()
			addr <- l.Addr()
			for {
				c, err := l.Accept()
				if err != nil {
					return // ECANCELED: the reactor shuts down
				}
				t.Go(func(*reactor.Task) { serveHTTP(c) })
			}
		})
	})
	at := "http://" + (<-addr).String()
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 100}, Timeout: long}
	defer client.CloseIdleConnections()
	errs := make(chan error, 100)
	for i := range 100 {
		go func() { errs <- get(client, fmt.Sprint(at, "/", i), fmt.Sprint("/", i)) }()
	}
	for range 100 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func serveHTTP(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		a := &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(q.URL.Path)),
			Body: io.NopCloser(strings.NewReader(q.URL.Path))}
		if a.Write(c) != nil {
			return
		}
	}
}

func get(client *http.Client, url, want string) error {
	a, err := client.Get(url)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err == nil && string(body) != want {
		err = fmt.Errorf("%q, want %q", body, want)
	}
	return err
}

// A dial in a task waits for the lookup and can be ended by its context, as in a goroutine. In a
// callback a dial cannot wait: it returns an error that says what to do.
func TestDialInTasks(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	r := start(t)
	inTask(r, func(*reactor.Task) {
		n := netconn.On(r)
		l, err := n.Listen("tcp", "localhost:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		c, err := n.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		c.Close()
		if _, err := n.Dial("tcp", "no such host:1"); !errors.As(err, new(*net.DNSError)) {
			t.Errorf("no such host: %v", err)
		}
		if _, err := n.DialTimeout("tcp", full(t, "tcp"), 20*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no answer: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err := n.DialContext(ctx, "tcp", full(t, "tcp")); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	told := make(chan error, 1)
	r.Post(func() {
		l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
		if err == nil {
			_, err = l.Accept()
			l.Close()
		}
		told <- err
	})
	if err := <-told; !errors.Is(err, syscall.EDEADLK) || !strings.Contains(err.Error(), "use a Task") {
		t.Errorf("Accept in a callback: %v", err)
	}
}
