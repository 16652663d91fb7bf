package main

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/inspector"
)

// requestMost is how many bytes a request may have.
const requestMost = 32 << 10

// errNoRequest is the end of a connection without a request.
var errNoRequest = errors.New("no request")

// A request is the last of its connection if the client says so, or has HTTP/1.0.
type request struct {
	inspector.Request
	last bool
}

// readRequest reads an HTTP/1 request (RFC 9112) without a transfer coding: no browser sends one.
func readRequest(in *bufio.Reader) (*request, error) {
	text := textproto.NewReader(in)
	line, err := text.ReadLine()
	if err != nil {
		return nil, errNoRequest
	}
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !strings.HasPrefix(parts[2], "HTTP/1.") {
		return nil, errors.New("the request must begin with: METHOD target HTTP/1.1")
	}
	target, err := url.ParseRequestURI(parts[1])
	if err != nil {
		return nil, errors.New("the target is no path")
	}
	head, err := text.ReadMIMEHeader()
	if err != nil {
		return nil, errors.New("the header is malformed, or longer than 32 KiB")
	}
	switch {
	case len(head["Host"]) != 1:
		return nil, errors.New("there must be one Host")
	case len(head["Transfer-Encoding"]) > 0 || len(head["Content-Length"]) > 1:
		return nil, errors.New("the body must have a Content-Length and no Transfer-Encoding")
	}
	length := int64(0)
	if s := head.Get("Content-Length"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return nil, errors.New("the Content-Length is no number")
		}
		length = int64(n)
	}
	r := &request{last: parts[2] == "HTTP/1.0" || strings.EqualFold(head.Get("Connection"), "close")}
	r.Request = inspector.Request{Method: parts[0], Host: head.Get("Host"), Path: target.Path, Query: target.Query(),
		Header: head.Get, Body: io.LimitReader(in, length)}
	return r, nil
}
