package load

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"
)

const verifySize = 1 << 20

// verify sends 1 MiB and compares what comes back: a server that is fast because it is wrong has no figure. The sender
// reads meanwhile, so nothing is asked here of a server's output queue; nor does it half-close, which is a row of the
// hazards.
func verify(network, addr string) error {
	if network == "" {
		network = "tcp"
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

// verifyDatagrams wants datagrams of several sizes back as they were.
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

// pattern is n bytes in which every shift shows: the period 251 divides no buffer size.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}
