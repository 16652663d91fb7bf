package inspector

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"unicode"
)

// FuzzReadRequest checks that reading ends for any input, and that a request is either refused or
// read as it was sent. Each accepted request has a method, one host and a path.
func FuzzReadRequest(f *testing.F) {
	for _, s := range []string{
		"GET /conns?q=a%20b HTTP/1.1\r\nHost: a\r\n\r\n", "POST /do HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		"\rOST /[o HTTP/1.0P\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\rb\n\n", "GET / HTTP/1.1\rHost: a\n\n",
		"GET http://a/b HTTP/1.1\nHost: b\n\n", "GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n", "GET / HTTP/1.1\r\n :\r\n\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, _, err := ReadRequest(bufio.NewReader(io.LimitReader(strings.NewReader(s), RequestMost)))
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) > len(s) || r.Header("Host") != r.Host || strings.ContainsFunc(r.Method+r.Host, unicode.IsControl) {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
