package serve

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Hello is the body of the answer to every request.
const Hello = "Hello, World!\n"

// HTTP serves the connections of l with package net/http.
func (o Options) HTTP(l net.Listener) error {
	s := &http.Server{ReadHeaderTimeout: o.Patience, Handler: http.HandlerFunc(hello)}
	return s.Serve(l)
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, Hello)
}

// Answer reads one request with the parser of net/http, and appends the answer to b. more means
// that other requests may follow.
func Answer(in *bufio.Reader, b []byte) (answer []byte, more bool) {
	q, err := http.ReadRequest(in)
	if err == nil {
		_, err = io.Copy(io.Discard, q.Body)
	}
	if err == io.EOF {
		return b, false
	}
	if err != nil {
		return append(b, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"...), false
	}
	b = append(b, "HTTP/1.1 200 OK\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = fmt.Appendf(b, "\r\nContent-Length: %d\r\nContent-Type: text/plain\r\n", len(Hello))
	if q.Close {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(append(b, "\r\n"...), Hello...)
	return b, !q.Close
}
