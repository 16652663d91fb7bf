//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

var pagesLine = regexp.MustCompile(`^inspect at http://([^/]+)/, the token for actions is (\w{26})$`)

// inspected starts a server with -inspect. It returns the address of the pages and the token.
func inspected(t *testing.T, args ...string) (s *server, at, token string) {
	s = serveAt(t, 1, append([]string{"-inspect", "127.0.0.1:0", "-inspect-actions"}, args...)...)
	eventually(t, "the line of -inspect", func() bool {
		lines := s.printed()
		m := pagesLine.FindStringSubmatch(lines[len(lines)-1])
		if m != nil {
			at, token = m[1], m[2]
		}
		return m != nil
	})
	return s, at, token
}

// fetch gets a page with the client of net/http.
func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, r.Status, err, body)
	}
	return string(body)
}

// The pages show the server's connections, and a client with the token can abort one. After SIGTERM
// the drain also closes the listener of the pages. SIGUSR1 prints the same information as text.
func TestInspect(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		s, at, token := inspected(t, "-style", style, "tcp://127.0.0.1:0")
		c := dial(t, "tcp", s.at[0])
		roundTrip(t, c, "hello")
		peer := c.LocalAddr().String()
		page := map[string]string{"callback": "conns", "task": "tasks", "net": ""}[style]
		has := map[string]string{"callback": peer, "task": peer, "net": "loop 0"}[style]
		eventually(t, "the page shows the connection", func() bool {
			return strings.Contains(fetch(t, "http://"+at+"/"+page), has)
		})
		s.signal(syscall.SIGUSR1)
		eventually(t, "SIGUSR1 prints the picture", func() bool {
			text := strings.Join(s.printed(), "\n")
			return strings.Contains(text, "loop 0 runs: utilization") && (style != "callback" || strings.Contains(text, peer+": open"))
		})
		if style == "callback" {
			id := regexp.MustCompile(`"id": "([\d-]+)"`).FindStringSubmatch(fetch(t, "http://"+at+"/conns?format=json"))
			for try, code := range map[string]int{"wrong": http.StatusForbidden, token: http.StatusOK} {
				r, err := http.PostForm("http://"+at+"/do", url.Values{"action": {"abort"}, "id": {id[1]}, "token": {try}})
				if err != nil {
					t.Fatal(err)
				}
				r.Body.Close()
				if r.StatusCode != code {
					t.Errorf("%s: %s", try, r.Status)
				}
			}
			if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("after an abort: %v", err)
			}
		}
		c.Close()
		s.signal(syscall.SIGTERM)
		s.ends(0)
	})
}

// -inspect refuses an address that is not a loopback address, unless -inspect-any is set.
func TestInspectIsForLoopback(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-inspect", "0.0.0.0:0"}, "must be a loopback address"},
		{[]string{"-inspect", ":0"}, "must be a loopback address"},
		{[]string{"-inspect", "localhost:0"}, "must be a loopback address"},
		{[]string{"-inspect", "[::]:0"}, "must be a loopback address"},
		{[]string{"-inspect", "192.0.2.1:0"}, "must be a loopback address"},
		{[]string{"-inspect", "127.0.0.1"}, "must be a loopback address"},
		{[]string{"-inspect", "192.0.2.1:0", "-inspect-any"}, "-inspect 192.0.2.1:0: listen"},
		{[]string{"-inspect-any"}, "need -inspect"},
		{[]string{"-inspect-actions"}, "need -inspect"},
	} {
		if line := refused(t, append(c.args, "tcp://127.0.0.1:0")...); !strings.Contains(line, c.says) {
			t.Errorf("%v: %q does not say %q", c.args, line, c.says)
		}
	}
}

// Bytes that are no valid request get an answer with the reason, and the next client is served. A
// client is also served while many connections send nothing.
func TestInspectSurvivesBadRequests(t *testing.T) {
	if !longtest.Default(t, "a process is started") {
		return
	}
	t.Parallel()
	_, at, _ := inspected(t, "tcp://127.0.0.1:0")
	for request, says := range map[string]string{
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":    "200",
		"HEAD / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n":   "200",
		"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n": "421",
		"GET / HTTP/1.1\r\n\r\n":                       "one Host",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": "one Host",
		"GET /\r\n\r\n": "must begin with",
		"GET / HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n":                                      "must begin with",
		"GET http HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":                                   "no path",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nbad\r\n\r\n":                               "malformed",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 1<<15) + "\r\n": "malformed",
		"POST /do HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n":     "no Transfer-Encoding",
		"POST /do HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n":             "no number",
		"POST /do HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n":              "403",
		"\x16\x03\x01\x02\x00\n":                                                         "must begin with",
	} {
		var answer []byte
		var err error
		for tries := true; tries; {
			began := time.Now()
			c := dial(t, "tcp", at)
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			_ = c.(*net.TCPConn).CloseWrite()
			answer, err = io.ReadAll(bufio.NewReader(c))
			tries = len(answer) == 0 && time.Since(began) >= pageTime // the machine is slow
		}
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 ") || !strings.Contains(string(answer), says) {
			t.Errorf("%q: %v\n%s", request[:min(len(request), 80)], err, answer)
		}
	}
	for range pageConns - 1 {
		fmt.Fprint(dial(t, "tcp", at), "GET / HTTP/1.1\r\n") // all places may be in use
	}
	// A place becomes free when its connection is closed.
	eventually(t, "the next client is served", func() bool {
		r, err := http.Get("http://" + at + "/")
		if err == nil {
			r.Body.Close()
		}
		return err == nil && r.StatusCode == http.StatusOK
	})
}
