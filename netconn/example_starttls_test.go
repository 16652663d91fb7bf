//go:build unix

package netconn_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"

	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A mailbox talks without TLS until STARTTLS. Then another Handler serves the connection.
type mailbox struct{ cfg *tls.Config }

func (m mailbox) Data(c *reactor.Conn, p []byte) {
	line, rest, _ := bytes.Cut(p, []byte("\n"))
	if string(line) != "STARTTLS" {
		_ = c.Send([]byte("only STARTTLS is known here\n"))
		return
	}
	_ = c.Send([]byte("ready\n")) // without encryption
	if err := c.SetHandler(secret{}); err != nil {
		return // closed
	}
	if err := netconn.StartTLSServer(c, m.cfg, rest); err != nil {
		log.Print(err)
		_ = c.Close()
	}
}

func (mailbox) Closed(*reactor.Conn, error) {}

// A secret is a Handler that sends its text only over TLS.
type secret struct{}

func (secret) Opened(c *reactor.Conn)      { _ = c.Send([]byte("the secret\n")) }
func (secret) Data(*reactor.Conn, []byte)  {}
func (secret) Closed(*reactor.Conn, error) {}

// A server in callbacks supports STARTTLS. Its client uses crypto/tls.
func ExampleStartTLSServer() {
	cert, err := selfsigned.New()
	if err != nil {
		log.Fatal(err)
	}
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return mailbox{cfg} })
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(c, "STARTTLS")
	line, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(line)
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // the certificate is self-signed
	line, _ = bufio.NewReader(s).ReadString('\n')
	fmt.Print(line)
	s.Close()
	_ = r.Shutdown(context.Background())
	// Output:
	// ready
	// the secret
}
