package load

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"
)

const verifySize = 1 << 20

// verify sends 1 MiB, half-closes, and compares what comes back: a server that is fast because it is wrong has no
// figure. The sender reads meanwhile, so nothing is asked here of a server's output queue.
func verify(addr string) error {
	c, err := net.DialTimeout("tcp", addr, silence)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * silence))
	sent := pattern(verifySize)
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		if err == nil {
			err = c.(*net.TCPConn).CloseWrite()
		}
		wrote <- err
	}()
	got, err := io.ReadAll(c)
	if err == nil {
		err = <-wrote
	}
	if err != nil {
		return fmt.Errorf("check of the echo: %w", err)
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("check of the echo: sent %d bytes, got %d that differ", len(sent), len(got))
	}
	return nil
}

// pattern is n bytes in which every shift shows: the period 251 divides no buffer size.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}
