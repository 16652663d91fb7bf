package netconn

import (
	"net"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// readGram waits for a datagram.
func (c *gram) readGram(p []byte) (int, error) {
	if len(p) == 0 { // as in package net, the datagram stays in the queue
		if c.d.Closed() {
			return 0, c.fail("read", kernel.EBADF)
		}
		return 0, nil
	}
	n, err := c.s.RecvInto(p)
	if err != nil {
		err = c.failed("read", err)
	}
	return n, err
}

// writeGram sends a datagram to the connected peer.
func (c *gram) writeGram(p []byte) (int, error) {
	n, err := c.s.Send(p)
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

// sender returns a sender's address in the type of package net, or nil for a Unix socket without a
// name.
func (c *gram) sender(from kernel.Addr) net.Addr {
	if from.Family == 0 || from.Family == socket.AF_UNIX && from.Path == "" {
		return nil
	}
	return netAddr(c.d.Kernel, c.net, from)
}

// send sends a datagram to an address. It returns the cause of an error, without the operation.
func (c *gram) send(p []byte, to kernel.Addr) (n int, err error) {
	if local := c.localFor(to); local.Family != 0 || c.s.Timeout() == 0 { // 0: see sendPacket
		n, err = c.sendFrom(p, local, to)
	} else {
		n, err = c.s.SendTo(p, socketAddr(to))
	}
	return n, c.reason("sendto", err)
}

// addressed returns the error of a datagram to the given address.
func (c *gram) addressed(to net.Addr, err error) error {
	return &net.OpError{Op: "write", Net: c.net, Source: c.local, Addr: to, Err: err}
}
