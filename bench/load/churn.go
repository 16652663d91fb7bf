package load

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// visit connects and sends one message.
func (l *loader) visit(i int) error {
	if err := l.dial(i); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if n, err := send(l.conns[i].fd, l.payload); err != nil || n < len(l.payload) {
		return fmt.Errorf("send on a new connection: %d of %d bytes: %v", n, len(l.payload), err)
	}
	return nil
}

// visited reads the answer, sends a FIN, and waits for the server's FIN. So at the end of a slice
// the server has closed all its connections. The client has sent its FIN first, so only the
// client's sockets are in TIME_WAIT.
func (l *loader) visited(i int) error {
	c := &l.conns[i]
	n, err := discard(c.fd, l.scratch)
	if err == unix.EAGAIN {
		return nil
	}
	if err != nil {
		return fmt.Errorf("recv: %w", err)
	}
	if n > 0 {
		c.got += n
		if c.got == len(l.payload) {
			l.messages++
			if err := unix.Shutdown(c.fd, unix.SHUT_WR); err != nil {
				return fmt.Errorf("shutdown: %w", err)
			}
		}
		return nil
	}
	if c.got < len(l.payload) {
		return fmt.Errorf("the server closed after %d of %d bytes", c.got, len(l.payload))
	}
	unix.Close(c.fd)
	c.fd = -1
	if l.running {
		return l.visit(i)
	}
	l.underWay--
	return nil
}
