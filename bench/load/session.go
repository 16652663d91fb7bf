package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

// A session is one connection of a protocol whose answers must be parsed. One batch of messages is
// under way at a time. A batch is small, so the kernel accepts the whole batch in one call.
type session interface {
	ask() error
	// answered reads the bytes that have arrived. It returns whether all answers are complete and
	// right.
	answered() (bool, error)
}

// session makes the session of a new connection.
func (l *loader) session(fd int) (session, error) {
	switch l.shape.Protocol {
	case "tls":
		return newSecured(fd, l.payload)
	case "http":
		n := l.shape.Pipeline
		return &visit{fd: fd, batch: bytes.Repeat(request11, n), left: n, n: n, in: make([]byte, 4<<10)}, nil
	case serve.WebSocket, serve.Deflate, serve.Room:
		return newMessenger(fd, l.payload, l.shape.Protocol)
	}
	return nil, fmt.Errorf("no protocol %q", l.shape.Protocol)
}

// exchange handles an event of a session.
func (l *loader) exchange(s session) error {
	whole, err := s.answered()
	if err != nil || !whole {
		return err
	}
	l.messages += int64(l.shape.Pipeline)
	if l.shape.Protocol == serve.Room {
		if l.missing--; l.missing > 0 {
			return nil
		}
		l.missing, s = len(l.conns), l.conns[0].session
	}
	if l.running {
		return s.ask()
	}
	l.underWay--
	return nil
}

// A visit is a client of HTTP/1.1 that repeats a batch of n requests.
type visit struct {
	fd      int
	batch   []byte
	n, left int // the answers of a batch, and those that are still missing
	in      []byte
	got     int
}

var request11 = []byte("GET / HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")

func (v *visit) ask() error { return sendAll(v.fd, v.batch) }

func (v *visit) answered() (bool, error) {
	for {
		n, err := arrived(v.fd, v.in[v.got:])
		if n == 0 {
			return false, err
		}
		short := n < len(v.in)-v.got
		v.got += n
		if done, err := v.parse(); done || err != nil {
			return done, err
		}
		if short {
			return false, nil
		}
	}
}

// arrived receives bytes that have arrived. It returns 0 if there are none.
func arrived(fd int, p []byte) (int, error) {
	n, err := receive(fd, p)
	switch {
	case err == unix.EAGAIN:
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("recv: %w", err)
	case n == 0:
		return 0, errors.New("recv: the server closed the connection")
	}
	return n, nil
}

// parse consumes the complete answers. It returns whether the batch is complete.
func (v *visit) parse() (done bool, err error) {
	from := 0
	for v.left > 0 {
		size, err := answer(v.in[from:v.got])
		if err != nil {
			return false, err
		}
		if size == 0 {
			v.got = copy(v.in, v.in[from:v.got])
			return false, nil
		}
		from += size
		v.left--
	}
	if from != v.got {
		return false, fmt.Errorf("%d bytes follow the answers", v.got-from)
	}
	v.got, v.left = 0, v.n
	return true, nil
}

var (
	ok200  = []byte("HTTP/1.1 200 OK\r\n")
	blank  = []byte("\r\n\r\n")
	length = []byte("\r\nContent-Length: ")
	hello  = []byte(serve.Hello)
)

// answer returns the size of the first answer in p, or 0 while it is incomplete.
func answer(p []byte) (int, error) {
	head := bytes.Index(p, blank)
	if head < 0 {
		if len(p) > 2<<10 {
			return 0, fmt.Errorf("no end of the head in %d bytes", len(p))
		}
		return 0, nil
	}
	_, rest, _ := bytes.Cut(p[:head+2], length)
	number, _, _ := bytes.Cut(rest, blank[:2])
	if n, err := strconv.Atoi(string(number)); err != nil || n != len(hello) || !bytes.HasPrefix(p, ok200) {
		return 0, fmt.Errorf("another answer than was expected: %q", p[:head])
	}
	size := head + len(blank) + len(hello)
	if len(p) < size {
		return 0, nil
	}
	if !bytes.Equal(p[size-len(hello):size], hello) {
		return 0, fmt.Errorf("another body than was expected: %q", p[size-len(hello):size])
	}
	return size, nil
}

func sendAll(fd int, p []byte) error {
	n, err := send(fd, p)
	if err == nil && n < len(p) {
		err = fmt.Errorf("%d of %d bytes", n, len(p))
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}
