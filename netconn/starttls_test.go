//go:build unix

package netconn_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A startTLS is a Handler that serves lines without TLS until STARTTLS, and then echoes over TLS.
type startTLS struct {
	cfg    *tls.Config
	secure bool
	log    chan string
}

func (h *startTLS) Opened(*reactor.Conn) { h.log <- fmt.Sprint("opened, secure ", h.secure) }

func (h *startTLS) Data(c *reactor.Conn, p []byte) {
	if h.secure {
		_ = c.Send(p)
		return
	}
	line, rest, whole := bytes.Cut(p, []byte("\n"))
	switch {
	case !whole:
		_ = c.Close()
	case string(line) != "STARTTLS":
		_ = c.Send(append(line, '\n'))
	default:
		_ = c.Send([]byte("go ahead\n"))
		h.secure = true
		if err := netconn.StartTLSServer(c, h.cfg, rest); err != nil {
			h.log <- err.Error()
		}
		if err := netconn.StartTLSServer(c, h.cfg, rest); err == nil || !strings.Contains(err.Error(), "Filter already") {
			h.log <- fmt.Sprint("a second time: ", err)
		}
	}
}

func (h *startTLS) Closed(_ *reactor.Conn, err error) { h.log <- fmt.Sprint("closed ", err) }

// TLS can begin on an open Conn, and gets the bytes that came after the command STARTTLS. The
// client uses crypto/tls. It either waits for the answer to the command, or sends its hello
// directly after the command.
func TestTLSBegunOnAnOpenConn(t *testing.T) {
	cert, err := selfsigned.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, eager := range []bool{false, true} {
		r, err := reactor.New()
		if err != nil {
			t.Fatal(err)
		}
		log := make(chan string, 10)
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
			return &startTLS{cfg: &tls.Config{Certificates: []tls.Certificate{cert}}, log: log}
		})
		if err != nil {
			t.Fatal(err)
		}
		go r.Run(context.Background())
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		expect := func(want string) {
			t.Helper()
			if line, err := in.ReadString('\n'); line != want+"\n" {
				t.Errorf("%q, %v, want %q", line, err, want)
			}
		}
		fmt.Fprintln(c, "hello")
		expect("hello")
		wire := &behind{Conn: c, in: in, first: []byte("STARTTLS\n")}
		if !eager {
			fmt.Fprintln(c, "STARTTLS")
			expect("go ahead")
			wire.first = nil
		} else {
			wire.skip = "go ahead\n"
		}
		tc := tls.Client(wire, &tls.Config{InsecureSkipVerify: true})
		fmt.Fprint(tc, "secret")
		got := make([]byte, 6)
		if _, err := bufio.NewReader(tc).Read(got); err != nil || string(got) != "secret" {
			t.Errorf("%q, %v", got, err)
		}
		tc.Close()
		wantInOrder(t, log)
		_ = r.Shutdown(context.Background())
	}
}

// wantInOrder checks what a startTLS has logged.
func wantInOrder(t *testing.T, log <-chan string) {
	t.Helper()
	for _, want := range []string{"opened, secure false", "opened, secure true", "closed <nil>"} {
		if text := <-log; text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
}

// bulkBeforeTLS answers the command STARTTLS with a large output and a file, before it begins TLS.
type bulkBeforeTLS struct {
	startTLS
	large string
	file  *os.File
}

func (h *bulkBeforeTLS) Data(c *reactor.Conn, p []byte) {
	if !h.secure {
		if err := c.Send([]byte(h.large)); err != nil {
			h.log <- err.Error()
		}
		if err := c.SendFile(h.file, 0, int64(len(h.large))); err != nil {
			h.log <- err.Error()
		}
	}
	h.startTLS.Data(c, p)
}

// TLS begins while a large output and a file wait to be sent without TLS. The client reads them
// whole and in order. Then a large echo goes over TLS. The client sends its hello directly after
// the command, and reads only afterwards.
func TestTLSBegunBehindBulkOutput(t *testing.T) {
	cert, err := selfsigned.New()
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("0123456789abcdef", 1<<16)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	log := make(chan string, 10)
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
		return &bulkBeforeTLS{startTLS{cfg: &tls.Config{Certificates: []tls.Certificate{cert}}, log: log}, large, file}
	}, reactor.WithLimits(0, 8<<20, 8<<20))
	if err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	wire := &behind{Conn: c, in: bufio.NewReader(c), first: []byte("STARTTLS\n"), skip: large + large + "go ahead\n"}
	tc := tls.Client(wire, &tls.Config{InsecureSkipVerify: true})
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	go tc.Write([]byte(large))
	got := make([]byte, len(large))
	if n, err := io.ReadFull(tc, got); string(got) != large {
		t.Errorf("%d bytes of the echo, %v, or wrong ones", n, err)
	}
	tc.Close()
	wantInOrder(t, log)
	_ = r.Shutdown(context.Background())
}

// behind sends some bytes together with the first write of TLS, and skips a line of input.
type behind struct {
	net.Conn
	in    *bufio.Reader
	first []byte
	skip  string
}

func (c *behind) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(append(c.first, p...))
	n -= len(c.first)
	c.first = nil
	return n, err
}

func (c *behind) Read(p []byte) (int, error) {
	if c.skip != "" {
		if line, err := c.in.ReadString('\n'); line != c.skip {
			return 0, fmt.Errorf("a line of %d bytes, %v", len(line), err)
		}
		c.skip = ""
	}
	return c.in.Read(p)
}
