package websocket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// long is longer than any step of these tests takes.
const long = longtest.Guard

// funcs is a Handler made of functions. Each of them may be nil.
type funcs struct {
	message func(c *Conn, kind Kind, p []byte)
	opened  func(c *Conn)
	closed  func(c *Conn, err error)
	drained func(c *Conn)
	pong    func(c *Conn, p []byte)
}

func (f *funcs) Message(c *Conn, kind Kind, p []byte) {
	if f.message != nil {
		f.message(c, kind, p)
	}
}

func (f *funcs) Opened(c *Conn) {
	if f.opened != nil {
		f.opened(c)
	}
}

func (f *funcs) Closed(c *Conn, err error) {
	if f.closed != nil {
		f.closed(c, err)
	}
}

func (f *funcs) Drained(c *Conn) {
	if f.drained != nil {
		f.drained(c)
	}
}

func (f *funcs) Pong(c *Conn, p []byte) {
	if f.pong != nil {
		f.pong(c, p)
	}
}

// A lab is a server on its own loop, which runs until the test ends.
type lab struct {
	testing.TB
	r      *reactor.Reactor
	at     string
	ends   chan error // the errors that Closed gets
	ended  chan error // the result of Run
	cancel context.CancelFunc
}

// patience returns options for a slow machine, on which a peer may need longer than the defaults.
func patience() []Option {
	return []Option{WithHandshakeTimeout(time.Hour), WithCloseTimeout(time.Hour)}
}

// serve runs a server. h returns the Handler of each connection.
func serve(t testing.TB, h func(*Request) Handler, opts ...Option) *lab {
	return serveWith(t, h, nil, opts...)
}

func serveWith(t testing.TB, h func(*Request) Handler, listen []reactor.ListenOption, opts ...Option) *lab {
	t.Helper()
	s, err := NewServer(h, append(patience(), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", s.Accept, listen...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &lab{TB: t, r: r, at: l.Addr().String(), ended: make(chan error, 1), cancel: cancel}
	go func() { b.ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-b.ended
	})
	return b
}

// echoes runs a server that echoes each message.
func echoes(t testing.TB, opts ...Option) *lab {
	ends := make(chan error, 100)
	b := serve(t, func(*Request) Handler {
		return &funcs{message: echo, closed: func(_ *Conn, err error) {
			select {
			case ends <- err:
			default:
			}
		}}
	}, opts...)
	b.ends = ends
	return b
}

// end returns the error that the next Closed gets.
func (b *lab) end() error {
	b.Helper()
	select {
	case err := <-b.ends:
		return err
	case <-time.After(long):
		b.Fatal("no Closed")
		return nil
	}
}

// A peer is a client that uses only constants of this package.
type peer struct {
	testing.TB
	net.Conn
	in  *bufio.Reader
	res *http.Response
}

const nonce = "dGhlIHNhbXBsZSBub25jZQ=="

// connect dials, and sends a handshake with additional fields.
func (b *lab) connect(more ...string) *peer {
	b.Helper()
	p := b.dial()
	p.send([]byte(request(more...)))
	p.answer()
	if p.res.StatusCode != 101 {
		b.Fatalf("status %d", p.res.StatusCode)
	}
	return p
}

func (b *lab) dial() *peer {
	b.Helper()
	c, err := net.Dial("tcp", b.at)
	if err != nil {
		b.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(long))
	b.Cleanup(func() { c.Close() })
	return &peer{TB: b.TB, Conn: c, in: bufio.NewReader(c)}
}

func request(more ...string) string {
	return "GET /chat?a=1 HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + nonce + "\r\n" + strings.Join(append(more, ""), "\r\n") + "\r\n"
}

func (p *peer) send(b []byte) {
	p.Helper()
	if _, err := p.Write(b); err != nil {
		p.Fatal(err)
	}
}

func (p *peer) answer() {
	p.Helper()
	var err error
	if p.res, err = http.ReadResponse(p.in, nil); err != nil {
		p.Fatal(err)
	}
}

// encode makes a frame, masked if key is not nil.
func encode(b0 byte, p []byte, key []byte) []byte {
	b := []byte{b0}
	bit := byte(0)
	if key != nil {
		bit = 0x80
	}
	switch n := len(p); {
	case n < 126:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	}
	b = append(b, key...)
	for i, x := range p {
		if key != nil {
			x ^= key[i%4]
		}
		b = append(b, x)
	}
	return b
}

var someKey = []byte{0x37, 0xfa, 0x21, 0x3d}

// masked returns a frame of a client.
func masked(b0 byte, p string) []byte { return encode(b0, []byte(p), someKey) }

// These are the first bytes of frames.
const (
	fin   = 0x80
	text  = 1
	bin   = 2
	cont  = 0
	closo = 0x88
	ping  = 0x89
	pong  = 0x8A
)

// A got is a frame that a server has sent.
type got struct {
	b0 byte
	p  []byte
}

func (g got) String() string { return fmt.Sprintf("%#x %.80q (%d bytes)", g.b0, g.p, len(g.p)) }

// read reads a frame. At the end of the stream b0 is 0.
func (p *peer) read() (g got) {
	p.Helper()
	var h [10]byte
	if _, err := io.ReadFull(p.in, h[:2]); err == io.EOF {
		return g
	} else if err != nil {
		p.Fatalf("read: %v", err)
	}
	n := uint64(h[1])
	switch {
	case n > 127:
		p.Fatal("a server's frame is masked")
	case n == 126:
		_, _ = io.ReadFull(p.in, h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:]))
	case n == 127:
		_, _ = io.ReadFull(p.in, h[2:10])
		n = binary.BigEndian.Uint64(h[2:])
	}
	g = got{h[0], make([]byte, n)}
	if _, err := io.ReadFull(p.in, g.p); err != nil {
		p.Fatal(err)
	}
	return g
}

// want reads a frame and compares it.
func (p *peer) want(b0 byte, payload string) {
	p.Helper()
	if g := p.read(); g.b0 != b0 || string(g.p) != payload {
		p.Fatalf("%v; want %v", g, got{b0, []byte(payload)})
	}
}

// closing returns the payload of a Close frame.
func closing(code Code, reason string) string {
	return string([]byte{byte(code >> 8), byte(code)}) + reason
}

// wantClose skips all messages until a Close frame. It checks the code of the Close frame, and then
// the end of the stream.
func (p *peer) wantClose(code Code) {
	p.Helper()
	g := p.read()
	for g.b0 != closo && g.b0 != 0 {
		g = p.read()
	}
	switch {
	case g.b0 == 0:
		p.Fatalf("the stream ends without a Close; want %v", code)
	case len(g.p) < 2 && code != NoStatus, len(g.p) > 0 && Code(g.p[0])<<8|Code(g.p[1]) != code:
		p.Fatalf("%v; want %v", g, code)
	}
	if g := p.read(); g.b0 != 0 {
		p.Fatalf("after Close: %v", g)
	}
}

func repeat(s string, n int) []byte { return bytes.Repeat([]byte(s), n) }
