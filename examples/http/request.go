package main

import (
	"bytes"
	"strconv"
)

const (
	maxHead = 16 << 10 // bytes of a request's lines
	maxBody = 1 << 20
)

// A request has what the server needs of a request.
type request struct {
	head  bool // the method is HEAD
	close bool // close after the answer
	old   bool // HTTP/1.0
	hosts int  // Host fields
	waits bool // the client waits for 100 Continue before it sends the body
	body  int  // bytes; -1: no length is given
}

// A refusal is a status that ends the connection.
type refusal string

const (
	badRequest refusal = "400 Bad Request"
	tooLarge   refusal = "413 Content Too Large"
	headTooBig refusal = "431 Request Header Fields Too Large"
	noSuch     refusal = "417 Expectation Failed"
	noChunks   refusal = "501 Not Implemented"
	noVersion  refusal = "505 HTTP Version Not Supported"
)

var (
	blankLine = []byte("\r\n\r\n")
	http10    = []byte("HTTP/1.0")
	http11    = []byte("HTTP/1.1")
)

// parse reads the head of the request at the front of p. n is its size in bytes, 0 while it is
// incomplete. The first seen bytes have no end of a head. So a head that arrives in pieces is
// searched once, and not once for each piece.
func parse(p []byte, seen int) (r request, n int, no refusal) {
	from := max(seen-len(blankLine)+1, 0)
	end := bytes.Index(p[from:max(min(len(p), maxHead), from)], blankLine)
	switch {
	case end < 0 && len(p) >= maxHead:
		return r, 0, headTooBig
	case end < 0:
		return r, 0, ""
	}
	end += from
	line, fields, _ := bytes.Cut(p[:end], blankLine[:2])
	if no = r.first(line); no != "" {
		return r, 0, no
	}
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, blankLine[:2])
		if no = r.field(line); no != "" {
			return r, 0, no
		}
	}
	if r.hosts > 1 || r.hosts == 0 && !r.old { // RFC 9112, 3.2
		return r, 0, badRequest
	}
	return r, end + len(blankLine), ""
}

// first parses the request line: method, target, version.
func (r *request) first(line []byte) refusal {
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	switch {
	case !ok || !ok2 || len(method) == 0 || len(target) == 0:
		return badRequest
	case bytes.Equal(version, http10):
		r.close, r.old = true, true
	case !bytes.Equal(version, http11):
		return noVersion
	}
	r.head = string(method) == "HEAD"
	r.body = -1
	return ""
}

// field parses one header line.
func (r *request) field(line []byte) refusal {
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
		return badRequest // a folded line, or a space that hides the name from some parsers
	}
	value = bytes.TrimSpace(value)
	switch {
	case is(name, "content-length"):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || r.body >= 0 && r.body != int(n) {
			return badRequest // some parsers would see two requests
		}
		if n > maxBody {
			return tooLarge
		}
		r.body = int(n)
	case is(name, "transfer-encoding"):
		return noChunks
	case is(name, "host"):
		r.hosts++
	case is(name, "expect") && !r.old: // RFC 9110, 10.1.1
		if !is(value, "100-continue") {
			return noSuch
		}
		r.waits = true
	case is(name, "connection"):
		if is(value, "close") {
			r.close = true
		} else if is(value, "keep-alive") {
			r.close = false
		}
	}
	return ""
}

func is(p []byte, lower string) bool {
	return len(p) == len(lower) && bytes.EqualFold(p, []byte(lower))
}
