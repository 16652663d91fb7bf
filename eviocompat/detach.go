//go:build linux || darwin || freebsd

package eviocompat

import (
	"os"
	"sync"
	"time"
)

// detach detaches the connection from the loop and passes it to Detached. If there is no such
// function, it closes the connection, as evio does.
func (c *conn) detach() {
	c.over = true
	if c.s.events.Detached == nil {
		_ = c.c.Close()
		return
	}
	fd, unsent, err := c.c.Detach()
	if err != nil { // the conn is closed, which Closed reports
		_ = c.c.Close()
		return
	}
	d := &detached{f: os.NewFile(uintptr(fd), "detached"), sent: make(chan struct{}), closed: make(chan struct{})}
	if len(unsent) == 0 {
		close(d.sent)
	} else {
		go d.deliver(unsent)
	}
	c.s.done(c.s.events.Detached(c, d))
}

// lingerTime is how long a closed connection waits for a peer that receives nothing. It equals the
// default of reactor.WithLinger.
var lingerTime = 30 * time.Second

// detached is the connection that Detached gets. Its calls block, and any goroutine may make them.
// Output from before the Detach is sent first. Close does not wait for that output.
type detached struct {
	f      *os.File
	sent   chan struct{} // closed when the output from before has been sent or has failed
	err    error         // the error of that output; written before sent is closed
	closed chan struct{} // closed by Close
	once   sync.Once
}

// deliver writes the output from before the Detach. After Close, deliver gives up if the peer
// receives nothing for lingerTime.
func (d *detached) deliver(unsent []byte) {
	defer close(d.sent)
	for len(unsent) > 0 {
		n, err := d.f.Write(unsent[:min(len(unsent), 16<<10)])
		unsent = unsent[n:]
		if d.err = err; err != nil {
			return
		}
		if d.isClosed() {
			d.limit()
		}
	}
}

func (d *detached) isClosed() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}

// limit sets the deadline of the next write to lingerTime from now.
func (d *detached) limit() {
	if err := d.f.SetWriteDeadline(time.Now().Add(lingerTime)); err != nil {
		_ = d.f.Close() // without a deadline the write might wait without end
	}
}

func (d *detached) Read(p []byte) (int, error) {
	n, err := d.f.Read(p)
	if err != nil && d.isClosed() {
		err = os.ErrClosed
	}
	return n, err
}

func (d *detached) Write(p []byte) (int, error) {
	select {
	case <-d.closed:
	case <-d.sent:
	}
	if d.isClosed() { // d.sent may be closed too
		return 0, os.ErrClosed
	}
	if d.err != nil {
		return 0, d.err
	}
	return d.f.Write(p)
}

// Close ends every call at once. Output from before the Detach is still sent.
func (d *detached) Close() (err error) {
	err = os.ErrClosed
	d.once.Do(func() {
		close(d.closed)
		select {
		case <-d.sent:
			err = d.f.Close()
			return
		default:
		}
		d.limit()
		err = d.f.SetReadDeadline(time.Unix(1, 0))
		go func() {
			<-d.sent
			_ = d.f.Close()
		}()
	})
	return err
}
