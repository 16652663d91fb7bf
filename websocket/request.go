package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/reactor"
)

// A Request is a client's part of the handshake, or another request that the Server has received
// instead. A program may keep its strings.
type Request struct {
	Conn        *reactor.Conn // nil for a Stream
	Method      string
	Target      string // path and query
	Host        string
	Origin      string // "" means that the client is no browser
	Subprotocol string // the subprotocol that the Server has chosen

	proto  string
	fields fields
	status int
	header [][2]string
}

// Header returns the value of a field. If there are several values, it joins them with commas. If
// there is none, it returns "".
func (r *Request) Header(name string) string {
	value, _ := r.fields.get(name)
	return value
}

// URL parses the Target.
func (r *Request) URL() (*url.URL, error) { return url.ParseRequestURI(r.Target) }

// SetHeader adds a field to the answer, such as Set-Cookie. It panics if the field breaks a rule of
// RFC 9110.
func (r *Request) SetHeader(name, value string) {
	if !isToken(name) || !isFieldValue(value) {
		panic("websocket: SetHeader(" + strconv.Quote(name) + ", " + strconv.Quote(value) + "): must be a field of RFC 9110")
	}
	r.header = append(r.header, [2]string{name, value})
}

// Refuse sets the HTTP status of the answer if no Handler is returned: 400 … 599. The default is
// 403. The result is nil, so the function of NewServer can return it.
func (r *Request) Refuse(status int) Handler {
	if status < 400 || status > 599 {
		panic("websocket: Refuse(" + strconv.Itoa(status) + "): must be 400 … 599")
	}
	r.status = status
	return nil
}

// A Page is an answer to a request that is no handshake. The zero Page is 404.
type Page struct {
	Status int    // 200 … 599; 0 means 200, or 404 without a Body
	Type   string // the Content-Type; "" means text/plain in UTF-8
	Body   []byte
}

var statusNames = map[int]string{
	200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
	307: "Temporary Redirect", 308: "Permanent Redirect",
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	408: "Request Timeout", 409: "Conflict", 410: "Gone", 426: "Upgrade Required", 429: "Too Many Requests",
	431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
	502: "Bad Gateway", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
}

// A verdict is what a server does with a request.
type verdict struct {
	answer   []byte // the whole answer
	open     bool   // the answer is 101
	h        Handler
	z        *deflate
	protocol uint8 // number of the subprotocol in the settings, from 1 on; 0: none
}

// judge decides how to answer a request. head ends with an empty line.
func (s *settings) judge(head string, c *reactor.Conn) (r *Request, v verdict) {
	r = &Request{Conn: c}
	line, f, ok := parseHead(head)
	parts := strings.Split(line, " ")
	if !ok || len(parts) != 3 || !isToken(parts[0]) || parts[1] == "" {
		return r, refuse(r, 400)
	}
	r.Method, r.Target, r.proto, r.fields = parts[0], parts[1], parts[2], f
	hosts := 0
	r.Host, hosts = f.get("Host")
	switch {
	case r.proto != "HTTP/1.1" && r.proto != "HTTP/1.0":
		return r, refuse(r, 505)
	case hosts > 1 || hosts == 0 && r.proto == "HTTP/1.1":
		return r, refuse(r, 400)
	}
	if !f.has("Upgrade", "websocket") || !f.has("Connection", "Upgrade") {
		return r, s.page(r)
	}
	if status := s.check(r); status != 0 {
		return r, refuse(r, status)
	}
	return r, s.open(r)
}

// check checks the rules of RFC 6455, 4.2.1. It returns 0 or the status of the refusal.
func (s *settings) check(r *Request) int {
	key, keys := r.fields.get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	length, _ := r.fields.get("Content-Length")
	_, codings := r.fields.get("Transfer-Encoding")
	version, _ := r.fields.get("Sec-WebSocket-Version")
	origins := 0
	r.Origin, origins = r.fields.get("Origin")
	switch {
	case r.Method != "GET":
		r.SetHeader("Allow", "GET")
		return 405
	case r.proto != "HTTP/1.1":
		return 505
	case version != "13":
		r.SetHeader("Sec-WebSocket-Version", "13")
		return 426
	case keys != 1 || err != nil || len(nonce) != 16, codings > 0 || length != "" && length != "0", origins > 1:
		return 400
	case !s.allows(r):
		return 403
	}
	return 0
}

// allows reports whether a page with the request's origin may connect.
func (s *settings) allows(r *Request) bool {
	if r.Origin == "" {
		return true
	}
	if s.origins == nil {
		host := originHost(r.Origin)
		return host != "" && strings.EqualFold(host, r.Host)
	}
	return slices.ContainsFunc(s.origins, func(o string) bool { return o == "*" || strings.EqualFold(o, r.Origin) })
}

// open calls the program's accept function, and negotiates.
func (s *settings) open(r *Request) (v verdict) {
	offered := r.Header("Sec-WebSocket-Protocol")
	for i, name := range s.protocols {
		if (fields{{"", offered}}).has("", name) {
			r.Subprotocol, v.protocol = name, uint8(i+1)
			break
		}
	}
	if s.accept != nil {
		if v.h = s.accept(r); v.h == nil {
			if r.status == 0 {
				r.status = 403
			}
			return refuse(r, r.status)
		}
	}
	v.open = true
	a := append([]byte(nil), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	a = append(append(a, acceptKey(r.Header("Sec-WebSocket-Key"))...), "\r\n"...)
	if r.Subprotocol != "" {
		a = appendField(a, "Sec-WebSocket-Protocol", r.Subprotocol)
	}
	if s.compression != nil {
		var answer string
		if v.z, answer = s.compression.accept(r.Header("Sec-WebSocket-Extensions")); v.z != nil {
			v.z = s.share(v.z)
			a = appendField(a, "Sec-WebSocket-Extensions", answer)
		}
	}
	for _, f := range r.header {
		a = appendField(a, f[0], f[1])
	}
	v.answer = append(a, "\r\n"...)
	return v
}

// share returns the shared state of the settings if the state of a connection never changes.
func (s *settings) share(z *deflate) *deflate {
	if z.bits == s.shared.bits && z.takeover == s.shared.takeover {
		return s.shared
	}
	return z
}

// page answers a request that is no handshake.
func (s *settings) page(r *Request) verdict {
	if s.pages == nil {
		r.SetHeader("Upgrade", "websocket")
		return refuse(r, 426)
	}
	p := s.pages(r)
	switch {
	case p.Status == 0 && p.Body == nil:
		p.Status = 404
	case p.Status == 0:
		p.Status = 200
	case p.Status < 200 || p.Status > 599:
		panic("websocket: a Page with Status " + strconv.Itoa(p.Status) + ": must be 200 … 599")
	}
	return plain(r, p)
}

// refuse returns an answer whose text is its status.
func refuse(r *Request, status int) verdict {
	return plain(r, Page{Status: status, Body: []byte(strconv.Itoa(status) + " " + statusNames[status] + "\n")})
}

func plain(r *Request, p Page) verdict {
	a := append([]byte("HTTP/1.1 "), strconv.Itoa(p.Status)+" "+statusNames[p.Status]+"\r\nConnection: close\r\n"...)
	for _, f := range r.header {
		a = appendField(a, f[0], f[1])
	}
	if p.Type == "" {
		p.Type = "text/plain; charset=utf-8"
	}
	a = appendField(a, "Content-Type", p.Type)
	a = append(appendField(a, "Content-Length", strconv.Itoa(len(p.Body))), "\r\n"...)
	if r.Method != "HEAD" {
		a = append(a, p.Body...)
	}
	return verdict{answer: a}
}

func appendField(a []byte, name, value string) []byte {
	return append(append(append(append(a, name...), ": "...), value...), "\r\n"...)
}

// acceptKey returns the value of Sec-WebSocket-Accept (RFC 6455, 4.2.2).
func acceptKey(key string) string {
	var b [64]byte // a key has 24 bytes
	sum := sha1.Sum(append(append(b[:0], key...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.EncodeToString(sum[:])
}
