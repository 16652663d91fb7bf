//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A handler gets the same Request.TLS over crypto/tls and over netconn's TLS.
func TestRequestTLS(t *testing.T) {
	for _, secure := range []string{"crypto", "netconn"} {
		for proto, client := range map[string]func(*tls.Config) *http.Transport{"http/1.1": plain, "h2": http2} {
			s, err := newServer("", "", secure, "", "")
			if err != nil {
				t.Fatal(err)
			}
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				fmt.Fprint(w, q.TLS != nil && q.TLS.HandshakeComplete, " ", q.TLS.NegotiatedProtocol, " ", q.TLS.ServerName)
			})
			p := run(t, s)
			p.trusted.ServerName = "localhost"
			if proto == "http/1.1" {
				p.trusted.NextProtos = []string{proto}
			}
			tr := client(p.trusted)
			a, err := (&http.Client{Transport: tr, Timeout: long}).Get(p.url)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(a.Body)
			a.Body.Close()
			tr.CloseIdleConnections()
			if want := "true " + proto + " localhost"; string(got) != want {
				t.Errorf("%s: %q, want %q", secure, got, want)
			}
		}
	}
}

// A peer that does not speak TLS, or stops sending, ends only its own connection.
func TestBadPeers(t *testing.T) {
	p, noise := file(t, "netconn", 1<<10)
	u, _ := url.Parse(p.url)
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", ""} {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, text)
		c.(*net.TCPConn).CloseWrite()
		_ = c.SetDeadline(time.Now().Add(long))
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		c.Close()
	}
	tr := http2(p.trusted)
	defer tr.CloseIdleConnections()
	exchange(t, &http.Client{Transport: tr, Timeout: long}, p.url, "HTTP/2.0", noise)
}

// Each combination of flags that makes no sense is one error, which says what the flag must be.
func TestMistakenFlags(t *testing.T) {
	for _, m := range []struct{ to, secure, cert, key, want string }{
		{"127.0.0.1:8080", "", "", "", "-to"},
		{"foo", "", "", "", "-to"},
		{"", "ssl", "", "", "must be crypto or netconn"},
		{"", "crypto", "a.pem", "", "must be given both"},
		{"", "", "a.pem", "b.pem", "are for -tls"},
	} {
		if _, err := newServer(".", m.to, m.secure, m.cert, m.key); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}
