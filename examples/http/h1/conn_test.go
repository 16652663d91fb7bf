//go:build unix

package h1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

const greeting = "Hello World!\r\n"

func testSite() *Site { return &Site{Greeting: greeting, Patience: time.Minute, Idle: time.Minute} }

func serve(t *testing.T, loops int) string { return serveSite(t, loops, testSite()) }

func serveSite(t *testing.T, loops int, s *Site) string {
	t.Helper()
	_, at := serveGroup(t, loops, s)
	return at
}

func serveGroup(t *testing.T, loops int, s *Site) (*reactor.Group, string) {
	t.Helper()
	g, err := reactor.NewGroup(loops)
	if err != nil {
		t.Fatal(err)
	}
	l, err := g.Listen("tcp", "127.0.0.1:0", s.Accept, Limits)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(context.Background()) }()
	t.Cleanup(func() {
		g.Close()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	return g, l.Addr().String()
}

const goOnLine = "HTTP/1.1 100 Continue\r\n\r\n"

func dial(t *testing.T, at string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(longtest.Guard))
	return c
}

// The client of net/http gets correct answers, many times on each of its connections.
func TestGoClient(t *testing.T) {
	if !longtest.Default(t, "1,000 requests of net/http") {
		return
	}
	at := serve(t, 3)
	transport := &http.Transport{MaxIdleConnsPerHost: 20}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: longtest.Guard}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for range 50 {
				method := []string{"GET", "HEAD", "POST"}[i%3]
				req, err := http.NewRequest(method, "http://"+at+"/any?thing=1", nil)
				if err != nil {
					t.Error(err)
					return
				}
				want := greeting
				switch method {
				case "POST":
					req, _ = http.NewRequest(method, "http://"+at, strings.NewReader(strings.Repeat("body", 20_000)))
				case "HEAD":
					want = ""
				}
				res, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 || string(body) != want || res.ContentLength != int64(len(greeting)) {
					t.Errorf("%s: %s %q %v", method, res.Status, body, err)
				}
				if _, err := http.ParseTime(res.Header.Get("Date")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// A pipeline of all kinds of requests, in pieces of any size, gets its answers in order. The last
// request ends the connection.
func TestPipeline(t *testing.T) {
	at := serve(t, 1)
	text := strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 50) +
		"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n" +
		"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" +
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" +
		"GET /never HTTP/1.1\r\n\r\n"
	for _, piece := range []int{1, 10, 1000, len(text)} {
		c := dial(t, at)
		go func() {
			for p := text; len(p) > 0; p = p[min(piece, len(p)):] {
				io.WriteString(c, p[:min(piece, len(p))])
			}
		}()
		in := bufio.NewReader(c)
		for i := range 53 {
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(piece, i, err)
			}
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != greeting || res.Close != (i == 52) {
				t.Fatalf("%d, %d: %q, %v, close %v", piece, i, body, err, res.Close)
			}
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
	}
}

// If an HTTP/1.0 client asks to keep its connection, the answer has the field keep-alive. Without
// this field the client would wait for the end of the connection.
func TestOldClientKeepsItsConnection(t *testing.T) {
	c := dial(t, serve(t, 1))
	in := bufio.NewReader(c)
	for _, keep := range []bool{true, true, false} {
		field := ""
		if keep {
			field = "Connection: Keep-Alive\r\n"
		}
		io.WriteString(c, "GET / HTTP/1.0\r\n"+field+"\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if told := res.Header.Get("Connection"); string(body) != greeting || told == "keep-alive" != keep {
			t.Errorf("keep %v: %q, %v, Connection: %q", keep, body, err, told)
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
}

// A client sends a pipeline without reading. A bounded number of answers wait for it, and in the
// end it receives all of them.
func TestSlowReader(t *testing.T) {
	c := dial(t, serve(t, 1))
	many := longtest.Count(5000, 30_000, 100_000)
	go func() {
		for range many / 1000 {
			io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1000))
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}()
	in := bufio.NewReader(c)
	for i := range many + 1 {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(i, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(i, err)
		}
	}
}

// A client that waits for "100 Continue" before it sends its body gets that line. A client that
// does not wait does not get it. HTTP/1.0 has no such line.
func TestExpectContinue(t *testing.T) {
	const ok = "HTTP/1.1 200 OK"
	for head, want := range map[string]string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n": goOnLine,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n": ok,
		"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n":                       ok,
	} {
		c := dial(t, serve(t, 1))
		io.WriteString(c, head)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", head, got, err)
		}
		if want == goOnLine {
			io.WriteString(c, "hello")
			if _, err := io.ReadFull(c, got[:len(ok)]); err != nil || string(got[:len(ok)]) != ok {
				t.Errorf("after the body: %q, %v", got, err)
			}
		}
	}
	for _, text := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
		"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
	} {
		c := dial(t, serve(t, 1))
		io.WriteString(c, text)
		got := make([]byte, len(ok))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != ok {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// wrk runs for a second on 50 connections. It counts no error of a socket, and no status but 200.
func TestWrk(t *testing.T) {
	if !longtest.Only(t, "wrk as the client") {
		return
	}
	g, at := serveGroup(t, 2, testSite())
	out, err := exec.Command("wrk", "-t", "1", "-c", "50", "-d", "1s", "http://"+at+"/").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	if err != nil || !strings.Contains(string(out), " requests in ") || strings.Contains(string(out), " 0 requests in ") ||
		strings.Contains(string(out), "Socket errors") || strings.Contains(string(out), "Non-2xx") {
		t.Errorf("%v\n%s", err, out)
	}
	// wrk ends with requests on their way. If the drain began before the loops have noticed the end of
	// its connections, it would report the answers as undelivered.
	for end := time.Now().Add(longtest.Guard); g.Stats().Conns > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a connection is open, though wrk has ended")
		}
	}
}
