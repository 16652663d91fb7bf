package inspector

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// RequestMost is the maximum size of a request in bytes. The caller of ReadRequest limits its input
// to this size.
const RequestMost = 32 << 10

// ErrNoRequest is the error for a connection that ends without a request.
var ErrNoRequest = errors.New("no request")

// ReadRequest reads an HTTP/1 request (RFC 9112). It refuses a transfer coding, because no browser
// sends one. last means that no further request follows on the connection.
func ReadRequest(in *bufio.Reader) (r *Request, last bool, err error) {
	text := textproto.NewReader(in)
	line, err := text.ReadLine()
	if err != nil {
		return nil, false, ErrNoRequest
	}
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !isMethod(parts[0]) || !isVersion1(parts[2]) {
		return nil, false, errors.New("the request must begin with: METHOD target HTTP/1.1")
	}
	target, err := url.ParseRequestURI(parts[1])
	if err != nil {
		return nil, false, errors.New("the target is no path")
	}
	head, err := text.ReadMIMEHeader()
	if err != nil {
		return nil, false, errors.New("the header is malformed, or longer than 32 KiB")
	}
	switch {
	case len(head["Host"]) != 1 || strings.ContainsFunc(head.Get("Host"), unicode.IsControl):
		return nil, false, errors.New("there must be one Host, without control characters")
	case len(head["Transfer-Encoding"]) > 0 || len(head["Content-Length"]) > 1:
		return nil, false, errors.New("the body must have a Content-Length and no Transfer-Encoding")
	}
	length := int64(0)
	if s := head.Get("Content-Length"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return nil, false, errors.New("the Content-Length is no number")
		}
		length = int64(n)
	}
	last = parts[2] == "HTTP/1.0" || strings.EqualFold(head.Get("Connection"), "close")
	return &Request{Method: parts[0], Host: head.Get("Host"), Path: target.Path, Query: target.RawQuery,
		Header: head.Get, Body: io.LimitReader(in, length)}, last, nil
}

// isMethod returns whether s has the form of the methods in RFC 9110. Other tokens are methods too,
// but no browser sends them.
func isMethod(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// isVersion1 returns whether s is HTTP/1 with any minor version.
func isVersion1(s string) bool {
	minor, ok := strings.CutPrefix(s, "HTTP/1.")
	return ok && len(minor) == 1 && '0' <= minor[0] && minor[0] <= '9'
}
