package websocket

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

// Each request that breaks a rule gets the status that the RFCs name, and its connection is closed.
func TestBadHandshakes(t *testing.T) {
	good := request()
	but := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q in the request", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	b := serve(t, func(r *Request) Handler {
		if u, err := r.URL(); err != nil || u.Path != "/chat" || u.Query().Get("a") != "1" {
			return r.Refuse(404)
		}
		return &funcs{message: echo}
	}, WithPages(func(r *Request) Page {
		if r.Target == "/" {
			return Page{Type: "text/html", Body: []byte("<p>hello")}
		}
		return Page{}
	}))
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"good":               {good, 101},
		"case":               {strings.ReplaceAll(strings.ReplaceAll(good, "Upgrade", "uPGRADE"), "websocket", "WebSocket"), 101},
		"own origin":         {request("Origin: https://EXAMPLE.org"), 101},
		"other origin":       {request("Origin: https://example.org.evil.test"), 403},
		"origin null":        {request("Origin: null"), 403},
		"two origins":        {request("Origin: https://example.org", "Origin: https://example.org"), 400},
		"refused":            {but("/chat?a=1", "/other"), 404},
		"method":             {but("GET", "POST"), 405},
		"version 8":          {but("Version: 13", "Version: 8"), 426},
		"no version":         {but("Sec-WebSocket-Version: 13\r\n", ""), 426},
		"no key":             {but("Sec-WebSocket-Key: "+nonce+"\r\n", ""), 400},
		"short key":          {but(nonce, "AAAA"), 400},
		"no base64":          {but(nonce, "!HNhbXBsZSBub25jZQ=="), 400},
		"two keys":           {request("Sec-WebSocket-Key: " + nonce), 400},
		"a body":             {request("Content-Length: 5"), 400},
		"chunks":             {request("Transfer-Encoding: chunked"), 400},
		"HTTP/1.0":           {but("HTTP/1.1", "HTTP/1.0"), 505},
		"HTTP/2.0":           {but("HTTP/1.1", "HTTP/2.0"), 505},
		"no host":            {but("Host: example.org\r\n", ""), 400},
		"two hosts":          {request("Host: a"), 400},
		"a space":            {but("Host:", "Host :"), 400},
		"a folded line":      {but("Host: example.org", "Host: example.org\r\n b"), 400},
		"a bare LF":          {but("Host: example.org\r\n", "Host: example.org\n"), 400},
		"a NUL":              {but("example.org", "exam\x00ple.org"), 400},
		"no HTTP":            {"hello\r\n\r\n", 400},
		"empty":              {"\r\n\r\n", 400},
		"a page":             {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
		"no page":            {"GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", 404},
		"only Upgrade":       {but("Connection: keep-alive, Upgrade\r\n", ""), 404},
		"a head without end": {"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", DefaultMaxHead), 431},
		"a long head":        {request("A: " + strings.Repeat("x", DefaultMaxHead)), 431},
	} {
		for _, piece := range []int{len(c.text), longtest.Count(9, 1, 1)} {
			if piece < 10 && len(c.text) > 1000 {
				continue
			}
			p := (&lab{TB: t, at: b.at}).dial()
			for _, s := range chop(c.text, piece) {
				p.send([]byte(s))
			}
			if p.answer(); p.res.StatusCode != c.status {
				t.Errorf("%s: %s, want %d", name, p.res.Status, c.status)
			}
			switch c.status {
			case 101:
				if got := p.res.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
					t.Errorf("%s: Accept %q", name, got)
				}
				p.send(masked(fin|text, "x"))
				p.want(fin|text, "x")
			case 426:
				if p.res.Header.Get("Sec-WebSocket-Version") != "13" {
					t.Errorf("%s: no version in the answer", name)
				}
				fallthrough
			default:
				body, err := io.ReadAll(p.res.Body)
				if err != nil || c.status == 200 && string(body) != "<p>hello" {
					t.Errorf("%s: %q, %v", name, body, err)
				}
				if g := p.read(); g.b0 != 0 {
					t.Errorf("%s: the connection stays open", name)
				}
			}
		}
	}
}

// A browser's page may connect if its origin is in the list. A server without WithPages answers
// other requests with 426.
func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		origin  string
		status  int
	}{
		{[]string{"https://a.test", "http://b.test:8080"}, "https://a.test", 101},
		{[]string{"https://a.test", "http://b.test:8080"}, "http://B.test:8080", 101},
		{[]string{"https://a.test"}, "http://a.test", 403},
		{[]string{"https://a.test"}, "https://example.org", 403},
		{[]string{}, "https://example.org", 403},
		{[]string{"*"}, "null", 101},
	} {
		b := serve(t, func(*Request) Handler { return &funcs{} }, WithOrigins(c.allowed...))
		p := b.dial()
		p.send([]byte(request("Origin: " + c.origin)))
		if p.answer(); p.res.StatusCode != c.status {
			t.Errorf("%q from %v: %s", c.origin, c.allowed, p.res.Status)
		}
	}
	b := serve(t, func(*Request) Handler { return &funcs{} })
	res, err := http.Get("http://" + b.at)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 426 || res.Header.Get("Upgrade") != "websocket" {
		t.Errorf("%s, %v", res.Status, res.Header)
	}
	http.DefaultClient.CloseIdleConnections()
}

// A client refuses each answer that breaks a rule. The client is a Conn or a Stream.
func TestBadAnswers(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	const accept = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n"
	b := echoes(t)
	for name, c := range map[string]struct{ answer, want string }{
		"good":           {accept + "\r\n", ""},
		"status":         {"HTTP/1.1 404 Not Found\r\n\r\n", "404: Not Found"},
		"no HTTP":        {"hello\r\n\r\n", "no HTTP"},
		"key":            {strings.Replace(accept, "KEY", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 1) + "\r\n", "Accept is wrong"},
		"no upgrade":     {strings.Replace(accept, "websocket", "tls", 1) + "\r\n", "without an upgrade"},
		"no connection":  {strings.Replace(accept, "Connection: Upgrade", "Connection: close", 1) + "\r\n", "without an upgrade"},
		"subprotocol":    {accept + "Sec-WebSocket-Protocol: other\r\n\r\n", "subprotocol"},
		"extension":      {accept + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension"},
		"closes":         {"", "closed the connection"},
		"closes early":   {"HTTP/1.1 101", "closed the connection"},
		"head too large": {accept + "A: " + strings.Repeat("x", DefaultMaxHead), "above the limit"},
	} {
		for _, stream := range []bool{false, true} {
			err := b.against(t, c.answer, stream)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				if !stream || !strings.HasPrefix(name, "closes") || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s, stream %v: %v", name, stream, err)
				}
			}
		}
	}
}

// against runs a client against a server that sends this answer. It returns the error of the
// client.
func (b *lab) against(t *testing.T, answer string, stream bool) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, strings.Replace(answer, "KEY", acceptKey(req.Header.Get("Sec-WebSocket-Key")), 1))
		if len(answer) < 20 && !strings.Contains(answer, "\r\n") {
			c.Close()
		}
		served <- c
	}()
	defer func() { (<-served).Close() }()
	if stream {
		nc, err := netconn.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		st, err := NewStream(nc, "ws://example.org")
		if err == nil {
			_ = st.NetConn().Close()
		}
		return err
	}
	ended := make(chan error, 1)
	h := &funcs{opened: func(c *Conn) { ended <- nil; _ = c.Abort() }, closed: func(_ *Conn, err error) { ended <- err }}
	b.on(func() {
		if _, err := Dial(b.r, "ws://"+l.Addr().String(), h, patience()...); err != nil {
			t.Error(err)
		}
	})
	err = <-ended
	if err == nil {
		<-ended
	}
	return err
}
