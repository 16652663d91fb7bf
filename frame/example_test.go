package frame_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/ureactor/ureactor/frame"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// requestLines is the Format of lines with up to 100 bytes.
var requestLines = frame.Lines(100)

// A greeter answers each line.
type greeter struct {
	in    *reactor.Input
	lines frame.Reader
}

func (h *greeter) Data(c *reactor.Conn, _ []byte) {
	for {
		name, err := h.lines.Next(h.in)
		switch {
		case errors.Is(err, reactor.ErrIncomplete):
			return
		case err != nil: // ErrTooLarge
			_ = c.Send([]byte("that is too long\n"))
			_ = c.Close()
			return
		}
		_ = c.Send(fmt.Appendf(nil, "hello %s\n", name))
	}
}

func (h *greeter) Closed(*reactor.Conn, error) {}

// In a callback, Next returns reactor.ErrIncomplete if no whole frame has arrived.
func ExampleReader() {
	accept := func(c *reactor.Conn) reactor.Handler {
		return &greeter{in: c.KeepInput(requestLines.MaxSize()), lines: requestLines.Reader()}
	}
	answer := serve(accept, "Ann\r\nBob\nan incomplete line")
	fmt.Print(answer)
	// Output:
	// hello Ann
	// hello Bob
}

// In blocking code, Next waits for a whole frame.
func ExampleFormat() {
	format := frame.Length(2, binary.BigEndian, 1000)
	client, server := net.Pipe()
	go func() {
		wire, err := format.Append(nil, []byte("one"))
		if err == nil {
			wire, err = format.Append(wire, []byte("two"))
		}
		if err != nil {
			log.Fatal(err)
		}
		_, _ = client.Write(wire)
		_ = client.Close()
	}()
	var in frame.Source = socket.NewInput(reader{server}, format.MaxSize())
	frames := format.Reader()
	for {
		p, err := frames.Next(in)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n", p)
	}
	// Output:
	// one
	// two
	// EOF
}

// A reader makes a socket.DataReader of any connection of package net. (A netconn.Conn already is
// one.)
type reader struct{ net.Conn }

func (r reader) Data() ([]byte, error) {
	p := make([]byte, 4096)
	n, err := r.Read(p)
	return p[:n], err
}

var _ socket.DataReader = (*netconn.Conn)(nil)
