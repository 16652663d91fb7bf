//go:build unix

package socket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// The calls of an Input wait. Messages are complete, whatever the pieces in which they arrive. This
// holds even if other tasks use the loop's buffer, and after a send that has waited.
func TestInputWaitsForMessages(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	var wire []byte
	var want []string
	for i := range 40 {
		s := strings.Repeat(string(rune('a'+i%26)), i*i)
		want = append(want, s)
		wire = append(binary.BigEndian.AppendUint16(wire, uint16(len(s))), s...)
	}
	both(t, func(l *lab) {
		for _, piece := range []int{50, 777, 10_000, len(wire)} {
			c, s := l.pair()
			d, u := l.pair()
			join := l.beside(func(l *lab) {
				for p := wire; len(p) > 0; p = p[min(piece, len(p)):] {
					l.send(c, string(p[:min(piece, len(p))]))
					l.send(d, "noise")
					p, err := u.Data() // this uses the same buffer
					l.data(p, err, "noise")
				}
				l.must(c.Close())
			})
			in := socket.NewInput(s, 3000)
			for _, text := range want {
				head, err := in.Peek(2)
				l.must(err)
				p, err := in.Next(2 + int(binary.BigEndian.Uint16(head)))
				l.must(err)
				l.data(bytes.Clone(p[2:]), nil, text)
				l.pass() // another task uses the loop's buffer
			}
			_, err := in.Peek(1)
			if err != io.EOF {
				l.fatalf("at the end: %v", err)
			}
			join()
		}
	})
}

// At the end of the stream an Input returns io.EOF, or io.ErrUnexpectedEOF inside a message. A call
// that a timeout has ended has consumed nothing. A message above the limit is an error.
func TestInputEnds(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		in := socket.NewInput(s, 10)
		l.send(c, "abcdef")
		p, err := in.Next(4)
		l.data(p, err, "abcd")
		l.must(s.SetTimeout(0))
		_, err = in.Next(3)
		l.errno(err, syscall.EAGAIN)
		if i := in.Index([]byte("f"), 0); i != 1 || in.Buffered() != 2 || in.Limit() != 10 {
			l.fatalf("f is at %d of %d", i, in.Buffered())
		}
		if _, err := in.Peek(11); !errors.Is(err, reactor.ErrInputLimit) {
			l.fatalf("%v", err)
		}
		l.must(s.SetBlocking(true))
		l.send(c, strings.Repeat("x", 1000))
		if n, err := in.Discard(1000); n != 1000 || err != nil {
			l.fatalf("Discard: %d, %v", n, err)
		}
		l.must(c.Close())
		if _, err := in.Next(3); err != io.ErrUnexpectedEOF {
			l.fatalf("in the middle: %v", err)
		}
		if n, err := in.Discard(3); n != 2 || err != io.EOF {
			l.fatalf("Discard: %d, %v", n, err)
		}
		if _, err := in.Next(1); err != io.EOF {
			l.fatalf("at the end: %v", err)
		}
	})
}

// A wrapper is a stream about whose memory the Input knows nothing.
type wrapper struct{ s *socket.Socket }

func (w wrapper) Data() ([]byte, error) { return w.s.Data() }

// A send of a message may wait while the rest of the input is still in the loop's buffer. The rest
// must not be lost. Bytes of a wrapper are copied at once, because the Input does not know how long
// they are valid.
func TestInputKeepsWhatIsSent(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	both(t, func(l *lab) {
		for _, wrapped := range []bool{false, true} {
			c, s := l.pair()
			out, peer := l.pair()
			d, u := l.pair()
			src := socket.DataReader(s)
			if wrapped {
				src = wrapper{s}
			}
			in := socket.NewInput(src, 100)
			l.must(out.SetTimeout(0))
			filled := l.fill(out)
			l.must(out.SetBlocking(true))
			l.send(c, "first|second|third|")
			l.readable(s)
			if wrapped {
				_, err := in.Peek(1)
				l.must(err)
			}
			var sent atomic.Bool
			join := l.beside(func(l *lab) {
				l.asleepOr(out, &sent)
				l.send(d, "over and over and over")
				_, err := u.Data()
				l.must(err)
				n := 0
				for n < filled {
					p, err := peer.Recv(min(filled-n, 1<<16))
					l.must(err)
					n += len(p)
				}
				p, err := peer.ReadSize(len("first|second|"))
				l.data(p, err, "first|second|")
			})
			for _, text := range []string{"first|", "second|"} {
				p, err := in.Next(len(text))
				l.data(p, err, text)
				_, err = out.Write(p)
				l.must(err)
			}
			sent.Store(true)
			join()
			p, err := in.Next(len("third|"))
			l.data(p, err, "third|")
		}
	})
}

// NewInput panics with a text that says what is wrong.
func TestMisuseOfNewInput(t *testing.T) {
	for text, f := range map[string]func(){
		"socket: NewInput(0): must be 1 … ":      func() { socket.NewInput(new(socket.Socket), 0) },
		"socket: NewInput of a nil DataReader":   func() { socket.NewInput(nil, 1) },
		"socket: NewInput(1073741825): must be ": func() { socket.NewInput(new(socket.Socket), 1<<30+1) },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.HasPrefix(v, text) {
					t.Errorf("%q, want %q", v, text)
				}
			}()
			f()
		}()
	}
}

// The bytes that were received before NewInputAfter come first, and the bytes of the stream follow,
// even inside one message. After NewInputAfter the caller's memory is not used.
func TestInputBeginsWithWhatWasReadBefore(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.pair()
		read := []byte("one t")
		in := socket.NewInputAfter(b, read, 10)
		clear(read)
		_, err := a.SendAll([]byte("wo end"))
		l.must(err)
		for _, want := range []string{"one ", "two ", "end"} {
			if p, err := in.Next(len(want)); string(p) != want || err != nil {
				l.fatalf("%q, %v; want %q", p, err, want)
			}
		}
		long := socket.NewInputAfter(b, []byte("more than the limit"), 4)
		if n := long.Buffered(); n != 19 {
			l.fatalf("%d bytes are buffered", n)
		}
		if p, err := long.Next(4); string(p) != "more" || err != nil {
			l.fatalf("%q, %v", p, err)
		}
		if n, err := long.Discard(15); n != 15 || err != nil {
			l.fatalf("%d, %v", n, err)
		}
		l.must(a.Close())
		if _, err := long.Next(1); err != io.EOF {
			l.fatalf("%v at the end", err)
		}
	})
}
