package hazard

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/servers/serve"
)

const (
	bombSize = 64 << 20 // the number of zeros in one compressed message
	// messageMemory is for 4 peers with messages of the maximum size, which are also decompressed.
	messageMemory = stuckMemory + 4*4*serve.MaxMessage
)

// messages returns whether the row uses WebSocket.
func (t *Target) messages() bool {
	return t.protocol == serve.WebSocket || t.protocol == serve.Deflate
}

// upgrade returns the request of a client's handshake.
func (t *Target) upgrade() []byte {
	head := "GET / HTTP/1.1\r\nHost: bench.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if t.protocol == serve.Deflate {
		head += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	}
	return []byte(head + "\r\n")
}

// upgraded returns a connection after the handshake.
func (t *Target) upgraded() (*net.TCPConn, error) {
	c, err := t.raw()
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err = c.Write(t.upgrade())
	var head []byte
	for p := make([]byte, 1); err == nil && !bytes.HasSuffix(head, []byte("\r\n\r\n")) && len(head) < 4<<10; head = append(head, p...) {
		_, err = c.Read(p)
	}
	if err == nil && !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		err = fmt.Errorf("the answer is %.40q", head)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, c.SetDeadline(time.Time{})
}

// frame appends a client's frame, whose mask is zero.
func frame(b []byte, first byte, p []byte) []byte {
	switch n := len(p); {
	case n < 126:
		b = append(b, first, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, first, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), p...)
}

// The first bytes of frames.
const (
	wholeText  = 0x81
	wholePing  = 0x89
	firstText  = 0x01
	laterPart  = 0x00
	lastPart   = 0x80
	compressed = 0x40
)

// answered sends a short message and reads the answer.
func (t *Target) answered() error {
	c, err := t.upgraded()
	if err != nil {
		return fmt.Errorf("a new client: %w", err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(frame(nil, wholeText, []byte("alive?"))); err != nil {
		return fmt.Errorf("a new client: %w", err)
	}
	if got, err := readMessage(c); err != nil || string(got) != "alive?" {
		return fmt.Errorf("a new client gets %q, %v", got, err)
	}
	return nil
}

// readMessage reads a message of the server. The message has one or several frames, and may be
// compressed.
func readMessage(r io.Reader) (p []byte, err error) {
	squeezed := false
	for {
		var head [10]byte
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return nil, err
		}
		n := uint64(head[1])
		switch n {
		case 126:
			_, err = io.ReadFull(r, head[2:4])
			n = uint64(binary.BigEndian.Uint16(head[2:]))
		case 127:
			_, err = io.ReadFull(r, head[2:10])
			n = binary.BigEndian.Uint64(head[2:])
		}
		if err != nil || n > 2*million {
			return nil, fmt.Errorf("a frame of %d bytes, %w", n, err)
		}
		more := make([]byte, n)
		if _, err := io.ReadFull(r, more); err != nil {
			return nil, err
		}
		p = append(p, more...)
		if squeezed = squeezed || head[0]&compressed != 0; head[0]&0x80 == 0 {
			continue
		}
		if squeezed {
			return io.ReadAll(flate.NewReader(bytes.NewReader(append(p, "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...))))
		}
		return p, nil
	}
}

// manyFragments sends a message of a million fragments. Each fragment has one byte.
func manyFragments(t *Target) (string, error) {
	c, err := t.upgraded()
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(6 * patience))
	wire := frame(nil, firstText, []byte("x"))
	for range million - 2 {
		wire = frame(wire, laterPart, []byte("x"))
	}
	wire = frame(wire, lastPart, []byte("x"))
	before, err := proc.CPU(t.PID())
	if err != nil {
		return "", err
	}
	go c.Write(wire) // the answer shows any failure
	got, err := readMessage(c)
	if err == nil && (len(got) != million || bytes.Count(got, []byte("x")) != million) {
		err = fmt.Errorf("another message came back, of %d bytes", len(got))
	}
	after, e := proc.CPU(t.PID())
	each := (after - before) / million
	return fmt.Sprintf("%.2f µs each", float64(after-before)/million/1e3),
		errors.Join(err, e, within("CPU", float64(each), float64(pieceCPU), "ns a fragment"), t.alive())
}

// bombs sends messages that are a thousand times as large after decompression.
func bombs(t *Target) (string, error) {
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, flate.BestCompression)
	if err != nil {
		return "", err
	}
	for zeros := make([]byte, 1<<20); z.Len() < bombSize>>11 && err == nil; {
		_, err = w.Write(zeros)
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		return "", err
	}
	bomb := frame(nil, wholeText|compressed, bytes.TrimSuffix(z.Bytes(), []byte{0, 0, 0xff, 0xff}))
	return endless(t, endlessPeer{t.upgrade(), bomb})
}

// endlessMessage sends fragments without a last one.
func endlessMessage(t *Target) (string, error) {
	p := make([]byte, 60<<10)
	return endless(t, endlessPeer{frame(t.upgrade(), firstText, p), frame(nil, laterPart, p)})
}

// pingFlood sends pings and reads no pongs.
func pingFlood(t *Target) (string, error) {
	var pings []byte
	for range 500 {
		pings = frame(pings, wholePing, make([]byte, 125))
	}
	return stuck(t, 50, 8<<20, t.upgrade(), pings)
}

// messagesUnread sends messages and reads no echoes.
func messagesUnread(t *Target) (string, error) {
	return stuck(t, 50, 8<<20, t.upgrade(), frame(nil, wholeText, make([]byte, 60<<10)))
}
