//go:build unix

package reactor_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/ureactor/ureactor/reactor"
)

// A words handler prints words that end with a space. Bytes that it does not consume are the
// beginning of a word.
type words struct{ echo }

func (words) Data(c *reactor.Conn, _ []byte) {
	in := c.Input()
	for {
		i := in.Index([]byte(" "), 0)
		if i < 0 {
			return // the next Data begins with these bytes
		}
		word, err := in.Next(i + 1)
		if err != nil {
			return
		}
		fmt.Printf("%s", word)
	}
}

// At EOF, the bytes that are left are a word without a space.
func (words) EOF(c *reactor.Conn) {
	fmt.Println("and", c.Input().Buffered(), "bytes")
	_ = c.Close()
	c.Reactor().Close()
}

// The words arrive in pieces. The handler prints whole words.
func ExampleInput() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(c *reactor.Conn) reactor.Handler {
		c.KeepInput(100) // the limit of a word, in bytes
		return words{}
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		for _, piece := range []string{"whole", " wor", "ds in pie", "ces fol"} {
			_, _ = c.Write([]byte(piece))
		}
		_ = c.Close()
	}()
	_ = r.Run(context.Background())
	// Output: whole words in pieces and 3 bytes
}
