//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A client agrees on HTTP/2 and then sends something else, at once or in pieces. The server closes
// the connection (RFC 9113, section 3.4) and sends no answer in HTTP/1.1.
func TestABadPrefaceClosesTheConnection(t *testing.T) {
	if !longtest.Default(t, "TLS handshakes") {
		return
	}
	p, _ := file(t, "netconn", 1)
	at, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "INVALID CONNECTION PREFACE\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"} {
		for _, size := range []int{1, len(bad)} {
			cfg := p.trusted.Clone()
			cfg.NextProtos = []string{"h2"}
			c, err := tls.Dial("tcp", at.Host, cfg)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(long))
			for rest := bad; rest != ""; rest = rest[min(size, len(rest)):] {
				if _, err := io.WriteString(c, rest[:min(size, len(rest))]); err != nil {
					break
				}
			}
			got, err := io.ReadAll(c) // an alert, a reset or the end of input
			if strings.Contains(string(got), "HTTP/1.1") || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%q: %q, %v", bad, got, err)
			}
			c.Close()
		}
	}
}
