package h1

import (
	"bytes"
	"strconv"

	"github.com/ureactor/ureactor/reactor"
)

const (
	maxHead = 16 << 10 // bytes of a request line and its fields
	maxLine = 8 << 10  // bytes of a request line
	maxBody = 32 << 20
)

// A request contains the parts of a head that the server needs.
type request struct {
	method  method
	target  string // the path, or "" for "/"
	old     bool   // HTTP/1.0
	close   bool   // close after the answer
	waits   bool   // the client waits for 100 Continue before it sends its body
	chunked bool
	body    int64  // Content-Length, or -1
	ranges  string // Range
	ifRange string
	hosts   int
	keep    bool // Connection: keep-alive
}

type method uint8

const (
	get method = iota
	head
	post
	put
	options
)

var methods = []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"}

// A refusal is a status that ends the connection.
type refusal string

const (
	badRequest refusal = "400 Bad Request"
	timedOut   refusal = "408 Request Timeout"
	bodyLarge  refusal = "413 Content Too Large"
	lineLarge  refusal = "414 URI Too Long"
	noSuch     refusal = "417 Expectation Failed"
	headLarge  refusal = "431 Request Header Fields Too Large"
	noCoding   refusal = "501 Not Implemented"
	noVersion  refusal = "505 HTTP Version Not Supported"
)

var (
	crlf      = []byte("\r\n")
	blankLine = []byte("\r\n\r\n")
)

// nextHead parses the head of the next request. While the head is incomplete, whole is false. *seen
// is how many bytes were already searched. So no byte of a head that trickles is searched twice.
func nextHead(in *reactor.Input, seen *int) (r request, whole bool, no refusal) {
	end := in.Index(blankLine, max(*seen-len(blankLine)+1, 0))
	if end < 0 || end > maxHead-len(blankLine) {
		p, _ := in.Peek(min(in.Buffered(), maxHead)) // cannot fail: both numbers are within the limits
		no = incomplete(p, *seen)
		*seen = len(p)
		return r, false, no
	}
	*seen = 0
	p, err := in.Next(end + len(blankLine))
	if err != nil {
		return r, false, headLarge
	}
	return parse(p[:end+len(crlf)])
}

// incomplete returns the error in an incomplete head, if there is already one: the head is too
// large, or has a bare LF.
func incomplete(p []byte, seen int) refusal {
	line := bytes.IndexByte(p, '\n')
	for i := seen; i < len(p); i++ {
		if p[i] == '\n' && (i == 0 || p[i-1] != '\r') {
			_, _, no := parse(p[:i+1]) // an error in an earlier line takes precedence
			return no
		}
	}
	switch {
	case line < 0 && len(p) > maxLine+1: // the last byte may be a CR
		return lineLarge
	case len(p) >= maxHead:
		return headLarge
	}
	return ""
}

// parse parses lines that all end with CRLF.
func parse(p []byte) (r request, whole bool, no refusal) {
	for first := true; len(p) > 0; first = false {
		i := bytes.IndexByte(p, '\n')
		switch {
		case i == 0 || p[i-1] != '\r':
			no = badRequest
		case first:
			no = r.first(p[:i-1])
		default:
			no = r.field(p[:i-1])
		}
		if no != "" {
			return r, false, no
		}
		p = p[i+1:]
	}
	switch {
	case r.hosts > 1 || r.hosts == 0 && !r.old: // RFC 9112, 3.2
		no = badRequest
	case r.chunked && (r.old || r.body >= 0):
		// RFC 9112, 6.1: with such a head a client could smuggle a request past a proxy.
		no = badRequest
	}
	r.close = r.close || r.old && !r.keep
	return r, no == "", no
}

// first parses the request line, which has method, target and version.
func (r *request) first(line []byte) refusal {
	r.body = -1
	if len(line) > maxLine {
		return lineLarge
	}
	a, b := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if a <= 0 || a == b || !all(line[:a], isToken) || !all(line[a+1:b], isTarget) {
		return badRequest
	}
	switch version := string(line[b+1:]); {
	case version == "HTTP/1.1":
	case version == "HTTP/1.0":
		r.old = true
	case len(version) == 8 && version[:5] == "HTTP/" && version[6] == '.' && version[5] >= '0' && version[5] <= '9':
		return noVersion
	default:
		return badRequest
	}
	for m, name := range methods {
		if string(line[:a]) == name {
			r.method = method(m)
			return r.setTarget(line[a+1 : b])
		}
	}
	return noCoding
}

// setTarget stores the path of a target: RFC 9112, 3.2.
func (r *request) setTarget(p []byte) refusal {
	if len(p) > 7 && is(p[:7], "http://") {
		p = p[7:]
		slash := bytes.IndexAny(p, "/?")
		if slash == 0 {
			return badRequest
		}
		if slash < 0 || p[slash] == '?' {
			p = []byte("/")
		} else {
			p = p[slash:]
		}
	}
	p, _, _ = bytes.Cut(p, []byte("?"))
	switch {
	case len(p) == 1 && p[0] == '/': // most requests have this target; it needs no allocation
	case len(p) > 0 && p[0] == '/', r.method == options && string(p) == "*":
		r.target = string(p)
	default:
		return badRequest
	}
	return ""
}

// field parses one header line.
func (r *request) field(line []byte) refusal {
	if no := checkField(line); no != "" { // a folded line, or a space that hides the name
		return no
	}
	colon := bytes.IndexByte(line, ':')
	name, value := line[:colon], bytes.Trim(line[colon+1:], " \t")
	switch len(name) {
	case 4:
		if is(name, "host") {
			r.hosts++
			if !all(value, isHost) {
				return badRequest
			}
		}
	case 5:
		if is(name, "range") {
			r.ranges = string(value)
		}
	case 6:
		if is(name, "expect") && !r.old { // RFC 9110, 10.1.1
			if !is(value, "100-continue") {
				return noSuch
			}
			r.waits = true
		}
	case 8:
		if is(name, "if-range") {
			r.ifRange = string(value)
		}
	case 10:
		if is(name, "connection") {
			r.connection(value)
		}
	case 14:
		if is(name, "content-length") {
			return r.length(value)
		}
	case 17:
		if is(name, "transfer-encoding") {
			return r.coding(value)
		}
	}
	return ""
}

func (r *request) connection(value []byte) {
	for len(value) > 0 {
		var token []byte
		token, value, _ = bytes.Cut(value, []byte(","))
		switch token = bytes.Trim(token, " \t"); {
		case is(token, "close"):
			r.close = true
		case is(token, "keep-alive"):
			r.keep = true
		}
	}
}

// length parses Content-Length. It refuses a second Content-Length. Otherwise a proxy could use one
// value and this server the other, and they would see different requests.
func (r *request) length(value []byte) refusal {
	if r.body >= 0 || len(value) == 0 || !all(value, isDigit) {
		return badRequest
	}
	n, err := strconv.ParseUint(string(value), 10, 63)
	if err != nil || n > maxBody {
		return bodyLarge
	}
	r.body = int64(n)
	return ""
}

// coding parses Transfer-Encoding: RFC 9112, 6.1. Only chunked is supported, and it must be the
// last coding.
func (r *request) coding(value []byte) refusal {
	last := value[bytes.LastIndexByte(value, ',')+1:]
	switch {
	case r.chunked || !is(bytes.Trim(last, " \t"), "chunked"):
		return badRequest
	case len(last) < len(value):
		return noCoding // another coding before chunked
	}
	r.chunked = true
	return ""
}

func is(p []byte, lower string) bool {
	return len(p) == len(lower) && bytes.EqualFold(p, []byte(lower))
}
