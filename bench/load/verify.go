package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

const verifySize = 1 << 20

// verify sends 1 MiB and compares the echo, so that a server that is fast because it is wrong gets
// no figure. The sender reads while it sends, so the server needs no output queue for this check.
// The sender does not half-close, because a row of the hazards tests that.
func verify(s Shape, addr string) error {
	network := s.Network
	if network == "" {
		network = "tcp"
	}
	if s.Protocol == "http" {
		return verifyHTTP(addr)
	}
	switch s.Protocol {
	case serve.WebSocket, serve.Deflate, serve.Room:
		return verifyMessages(addr)
	}
	c, err := net.DialTimeout(network, addr, silence)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * silence))
	if network == "udp" {
		return verifyDatagrams(c)
	}
	if s.Protocol == "tls" {
		c = tls.Client(c, ClientTLS)
	}
	sent := pattern(verifySize)
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		wrote <- err
	}()
	got := make([]byte, len(sent))
	n, err := io.ReadFull(c, got)
	if err == nil {
		err = <-wrote
	}
	if err != nil {
		return fmt.Errorf("check of the echo: %d bytes of %d, %w", n, len(sent), err)
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("check of the echo: %d bytes came back, and differ", n)
	}
	return nil
}

// verifyHTTP sends two requests on one connection, with package net/http's client.
func verifyHTTP(addr string) error {
	made := 0
	dialer := net.Dialer{Timeout: silence}
	t := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		made++
		return dialer.DialContext(ctx, network, addr)
	}}
	defer t.CloseIdleConnections()
	c := http.Client{Transport: t, Timeout: 2 * silence}
	for range 2 {
		a, err := c.Get("http://" + addr)
		if err != nil {
			return fmt.Errorf("check of the answer: %w", err)
		}
		body, err := io.ReadAll(a.Body)
		a.Body.Close()
		if _, date := http.ParseTime(a.Header.Get("Date")); err != nil || date != nil || a.StatusCode != 200 ||
			a.Header.Get("Content-Type") != "text/plain" || string(body) != serve.Hello {
			return fmt.Errorf("check of the answer: %s, %v, %q, %v", a.Status, a.Header, body, err)
		}
	}
	if made != 1 {
		return fmt.Errorf("check of the answer: %d connections for 2 requests", made)
	}
	return nil
}

// verifyMessages sends messages of several sizes, with the client of coder/websocket. No message is
// empty, because nbio does not answer empty messages.
func verifyMessages(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*silence)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+addr+"/", nil)
	if err != nil {
		return fmt.Errorf("check of the echo: %w", err)
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for _, size := range []int{1, 125, 126, 65535, 65536, verifySize} {
		sent := pattern(size)
		if err := c.Write(ctx, websocket.MessageBinary, sent); err != nil {
			return fmt.Errorf("check of the echo: %w", err)
		}
		kind, got, err := c.Read(ctx)
		if err != nil || kind != websocket.MessageBinary || !bytes.Equal(got, sent) {
			return fmt.Errorf("check of the echo: a message of %d bytes came back as %d, %v", size, len(got), err)
		}
	}
	return c.Close(websocket.StatusNormalClosure, "")
}

// verifyDatagrams checks that datagrams of several sizes come back unchanged.
func verifyDatagrams(c net.Conn) error {
	got := make([]byte, 64<<10)
	for _, size := range []int{1, 64, 1400, 9000} {
		sent := pattern(size)
		if _, err := c.Write(sent); err != nil {
			return fmt.Errorf("check of the echo: %w", err)
		}
		n, err := c.Read(got)
		if err != nil || !bytes.Equal(got[:n], sent) {
			return fmt.Errorf("check of the echo: a datagram of %d bytes came back as %d, %v", size, n, err)
		}
	}
	return nil
}

// records returns n bytes of JSON, which compress to about a quarter.
func records(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"name":"item %d","price":%d.%02d,"left":%t}`+"\n", len(b), r.IntN(1000), r.IntN(100), r.IntN(100), r.IntN(2) == 0)
	}
	return b[:n]
}

// pattern returns n bytes in which every shift is visible, because the period 251 divides no buffer
// size.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}
