//go:build unix

package reactor_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/ureactor/ureactor/reactor"
)

// A rot13 Filter converts the bytes between the wire and the Handler, as TLS does.
type rot13 struct {
	w    *reactor.Wire
	kept []byte
}

func (f *rot13) Open()   { f.w.Ready() }
func (f *rot13) Finish() {}
func (f *rot13) Closed() {}
func (f *rot13) EOF()    { f.w.EOF() }

func (f *rot13) Output(p []byte) error {
	f.w.Send(bytes.Map(rotate, p))
	return nil
}

func (f *rot13) Input(p []byte) {
	if !f.w.CanDeliver() { // the Handler has paused, for example
		f.kept = append(f.kept, p...)
		f.w.Keep()
		return
	}
	f.w.Deliver(bytes.Map(rotate, p))
}

func (f *rot13) More() (left bool) {
	if f.w.CanDeliver() {
		p := f.kept
		f.kept = nil
		f.w.Deliver(bytes.Map(rotate, p))
	}
	return len(f.kept) > 0
}

func rotate(c rune) rune {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a' + (c-'a'+13)%26
	case c >= 'A' && c <= 'Z':
		return 'A' + (c-'A'+13)%26
	}
	return c
}

// printer prints the text that the Filter delivers, and answers in clear text.
type printer struct{ echo }

func (h printer) Data(c *reactor.Conn, p []byte) {
	fmt.Printf("the handler reads %s\n", p)
	_ = c.Send([]byte("goodbye"))
}

func ExampleFilter() {
	filters := reactor.WithFilters(func(server bool) (func(*reactor.Wire) reactor.Filter, error) {
		return func(w *reactor.Wire) reactor.Filter { return &rot13{w: w} }, nil
	})
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return printer{} }, filters)
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	fmt.Println("the wire has", ask(l.Addr(), "uryyb"))
	_ = r.Shutdown(context.Background())
	// Output:
	// the handler reads hello
	// the wire has tbbqolr
}
