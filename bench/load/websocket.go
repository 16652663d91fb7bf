package load

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

// A messenger is a client of WebSocket that repeats one message.
type messenger struct {
	fd      int
	message []byte // the frame to send
	payload []byte
	want    []byte // the frame of the answer
	in      []byte
	got     int
}

const (
	whole      = 0x82 // the first byte of a binary message in one frame
	compressed = 0x40
	masked     = 0x80
)

var key = [4]byte{0x1f, 0x2e, 0x3d, 0x4c} // the mask of every frame

// newMessenger makes the handshake, and waits for its end.
func newMessenger(fd int, payload []byte, protocol string) (session, error) {
	m := &messenger{fd: fd, payload: payload, in: make([]byte, 2*len(payload)+1024)}
	first, body := byte(whole), payload
	if protocol == serve.Deflate {
		first, body = first|compressed, deflated(payload)
	}
	m.message = frame(first, body, true)
	m.want = frame(whole, payload, false)
	if err := m.upgrade(protocol == serve.Deflate); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return m, nil
}

const upgrade = "GET / HTTP/1.1\r\nHost: bench.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

func (m *messenger) upgrade(deflate bool) error {
	limit := unix.NsecToTimeval(silence.Nanoseconds())
	if err := unix.SetsockoptTimeval(m.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return err
	}
	head := upgrade
	if deflate {
		head += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	}
	if err := sendAll(m.fd, []byte(head+"\r\n")); err != nil {
		return err
	}
	w := wire{fd: m.fd, patient: true}
	var answer []byte
	for !bytes.HasSuffix(answer, blank) {
		n, err := w.Read(m.in)
		if err != nil {
			return err
		}
		if answer = append(answer, m.in[:n]...); len(answer) > 4<<10 {
			break
		}
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 101 ")) || !bytes.Contains(answer, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) ||
		strings.Contains(string(answer), "permessage-deflate") != deflate {
		return fmt.Errorf("another answer than was expected: %q", answer)
	}
	return nil
}

// frame returns a frame. A client's frame has a mask.
func frame(first byte, p []byte, mask bool) []byte {
	b := []byte{first, 0}
	switch n := len(p); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if !mask {
		return append(b, p...)
	}
	b[1] |= masked
	b = append(b, key[:]...)
	for i, c := range p {
		b = append(b, c^key[i%4])
	}
	return b
}

// tail is the end of every compressed message. It is not sent (RFC 7692, 7.2.1).
var tail = []byte{0, 0, 0xff, 0xff}

func deflated(p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(p)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a Buffer returns no errors
	}
	return bytes.TrimSuffix(b.Bytes(), tail)
}

func (m *messenger) ask() error { return sendAll(m.fd, m.message) }

func (m *messenger) answered() (bool, error) {
	for {
		n, err := arrived(m.fd, m.in[m.got:])
		if n == 0 {
			return false, err
		}
		m.got += n
		size, err := m.check(m.in[:m.got])
		if err != nil {
			return false, err
		}
		if size == m.got {
			m.got = 0
			return true, nil
		}
		if size > 0 {
			return false, fmt.Errorf("%d bytes follow the answer", m.got-size)
		}
	}
}

// check returns the size of the first answer in p, or 0 while it is incomplete. The first
// compressed answer is inflated. Later answers must be equal to it.
func (m *messenger) check(p []byte) (int, error) {
	if len(p) > 0 && p[0] == whole|compressed && m.want[0] == whole {
		size, body := parse(p)
		if size == 0 {
			return 0, nil
		}
		plain, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(body), bytes.NewReader(tail), strings.NewReader("\x01\x00\x00\xff\xff"))))
		if err != nil || !bytes.Equal(plain, m.payload) {
			return 0, fmt.Errorf("another answer than was expected: %d bytes, %v", len(plain), err)
		}
		m.want = bytes.Clone(p[:size])
	}
	if len(p) < len(m.want) {
		return 0, nil
	}
	if !bytes.Equal(p[:len(m.want)], m.want) {
		return 0, fmt.Errorf("another answer than was expected: %.20x", p)
	}
	return len(m.want), nil
}

// parse returns the size and the payload of the first frame in p, or 0 while it is incomplete.
func parse(p []byte) (size int, body []byte) {
	if len(p) < 4 {
		return 0, nil
	}
	from, n := 2, int(p[1])
	switch n {
	case 126:
		from, n = 4, int(binary.BigEndian.Uint16(p[2:]))
	case 127:
		if len(p) < 10 {
			return 0, nil
		}
		from, n = 10, int(binary.BigEndian.Uint64(p[2:]))
	}
	if len(p) < from+n {
		return 0, nil
	}
	return from + n, p[from : from+n]
}
