//go:build unix

package reactor_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/ureactor/ureactor/reactor"
)

// A mailroom receives open files from its peers and reads them.
type mailroom struct{ done chan string }

func (h mailroom) Rights(c *reactor.Conn, fds []int) {
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), "received")
		text, _ := io.ReadAll(f)
		f.Close()
		h.done <- string(text)
	}
}

// The bytes that were sent with the descriptors.
func (mailroom) Data(c *reactor.Conn, p []byte)    {}
func (mailroom) Closed(c *reactor.Conn, err error) {}

var _ reactor.RightsHandler = mailroom{}

// A Unix Conn passes an open file. In this example both ends of the connection are on one loop.
func ExampleRightsHandler() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "rights")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	done := make(chan string, 1)
	path := filepath.Join(dir, "s")
	if _, err := r.Listen("unix", path, func(*reactor.Conn) reactor.Handler { return mailroom{done} }); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "letter"), []byte("Dear reader"), 0o600); err != nil {
		log.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "letter"))
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if _, err := r.Dial("unix", path, postman{f}); err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	fmt.Println(<-done)
	_ = r.Shutdown(context.Background())
	// Output: Dear reader
}

// A postman sends its file when its Conn is connected.
type postman struct{ f *os.File }

func (h postman) Opened(c *reactor.Conn) {
	if err := c.SendRights([]byte("a file"), int(h.f.Fd())); err != nil {
		log.Print(err)
	}
	_ = c.Close()
}

func (postman) Data(c *reactor.Conn, p []byte)    {}
func (postman) Closed(c *reactor.Conn, err error) {}
