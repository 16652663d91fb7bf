//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bufio"
	bits "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// The opcodes of RFC 6455.
const (
	more, text, binary, bye, ping, pong = 0, 1, 2, 8, 9, 10

	fin = 0x80
)

// raw is a client that sends the bytes that a test gives it.
type raw struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dialRaw(t *testing.T, at string) *raw {
	t.Helper()
	c, err := netconn.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(long))
	fmt.Fprintf(c, "GET /chat HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", at)
	in := bufio.NewReader(c)
	a, err := http.ReadResponse(in, nil)
	if err != nil || a.StatusCode != http.StatusSwitchingProtocols || a.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatal(a, err)
	}
	r := &raw{t, c, in}
	if first, data := r.next(); first != fin|text || !isGreeting(data) {
		t.Fatalf("%#x %q", first, data)
	}
	return r
}

// frame is one with a mask.
func frame(first byte, data string) []byte {
	p := []byte{first}
	switch n := len(data); {
	case n < 126:
		p = append(p, 0x80|byte(n))
	case n < 1<<16:
		p = bits.BigEndian.AppendUint16(append(p, 0x80|126), uint16(n))
	default:
		p = bits.BigEndian.AppendUint64(append(p, 0x80|127), uint64(n))
	}
	mask := []byte{1, 2, 3, 4}
	p = append(p, mask...)
	for i := range len(data) {
		p = append(p, data[i]^mask[i%4])
	}
	return p
}

// next reads a frame of the server's, which has no mask.
func (c *raw) next() (first byte, data string) {
	c.t.Helper()
	head := make([]byte, 2)
	_, err := io.ReadFull(c.in, head)
	n := uint64(head[1])
	if err == nil && n > 127 {
		c.t.Fatal("the server masks")
	}
	for wide, size := range map[uint64]int{126: 2, 127: 8} {
		if n == wide && err == nil {
			p := make([]byte, 8)
			_, err = io.ReadFull(c.in, p[8-size:])
			n = bits.BigEndian.Uint64(p)
			break
		}
	}
	p := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(c.in, p)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return head[0], string(p)
}

func (c *raw) wants(first byte, data string) {
	c.t.Helper()
	if got, p := c.next(); got != first || p != data {
		c.t.Fatalf("%#x %.100q, want %#x %.100q", got, p, first, data)
	}
}

// A message in pieces is one, and a ping between them is answered at once.
func TestFragments(t *testing.T) {
	at, _ := start(t)
	c := dialRaw(t, at)
	c.Write(frame(text, "Hel"))
	c.Write(frame(fin|ping, "there?"))
	c.wants(fin|pong, "there?")
	c.Write(frame(more, ""))
	for _, b := range frame(fin|more, "lo") {
		c.Write([]byte{b})
	}
	c.wants(fin|text, "Hello")
	c.Write(frame(fin|pong, "nobody has asked"))
	c.Write(frame(fin|binary, "\xff"))
	c.wants(fin|binary, "\xff")
}

// A frame without a mask, and one of a length that is none, end it too; those have no code.
func TestBrokenFrames(t *testing.T) {
	at, _ := start(t)
	for _, p := range [][]byte{{fin | text, 2, 'h', 'i'}, {fin | binary, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4}} {
		c := dialRaw(t, at)
		c.Write(p)
		if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
			t.Errorf("%q: %q, %v", p, rest, err)
		}
	}
}
