//go:build linux || darwin || freebsd

package eviocompat

import "os"

// detach takes the connection out of the loop and gives it to Detached. Without such a function it is Close, as in evio.
func (c *conn) detach() {
	c.over = true
	if c.s.events.Detached == nil {
		_ = c.c.Close()
		return
	}
	fd, unsent, err := c.c.Detach()
	if err != nil { // it has lost its peer, or ends already: Closed tells
		_ = c.c.Close()
		return
	}
	d := &detached{f: os.NewFile(uintptr(fd), "detached"), sent: make(chan struct{})}
	if len(unsent) == 0 {
		close(d.sent)
	} else {
		go d.deliver(unsent)
	}
	c.s.done(c.s.events.Detached(c, d))
}

// detached is what Detached gets: goroutines wait in it, and any of them may use it. What was sent before it was
// detached comes first; Close lets that leave, and does not wait for it.
type detached struct {
	f    *os.File
	sent chan struct{} // closed when that has left
	err  error         // or could not; written before
}

func (d *detached) deliver(unsent []byte) {
	_, d.err = d.f.Write(unsent)
	close(d.sent)
}

func (d *detached) Read(p []byte) (int, error) { return d.f.Read(p) }

func (d *detached) Write(p []byte) (int, error) {
	if <-d.sent; d.err != nil {
		return 0, d.err
	}
	return d.f.Write(p)
}

func (d *detached) Close() error {
	select {
	case <-d.sent:
		return d.f.Close()
	default:
		go func() {
			<-d.sent
			_ = d.f.Close()
		}()
		return nil
	}
}
