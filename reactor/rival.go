package reactor

import (
	"slices"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/poller"
)

// A rival is an earlier address of a dial that is still tried, while the Conn tries the next
// address (RFC 8305). The first connection that succeeds becomes that of the Conn. The others are
// closed.
type rival struct {
	w Watch
	c *Conn
}

// tryBeside makes the present address a rival, and tries the next address too.
func (c *Conn) tryBeside() {
	r, d := c.w.r, c.dialing
	if len(d.rivals) == netaddr.RacersMost-1 {
		d.rivals[0].close()
	}
	v := &rival{c: c}
	fd := int(c.w.fd)
	c.w.drop()
	v.w.open(r, fd, v)
	d.rivals = append(d.rivals, v)
	r.addUnconnected(c)
	if err := v.w.set(poller.Out); err != nil {
		d.last = err
		v.close()
	}
	c.connectNext()
}

// ready handles an Event of the rival's connect.
func (v *rival) ready(poller.Readiness) {
	c := v.c
	peer, why, done := c.outcome(int(v.w.fd))
	switch {
	case !done:
	case why == nil:
		v.win(peer)
	default:
		c.dialing.last = why
		v.close()
		if c.w.gen == 0 && len(c.dialing.rivals) == 0 {
			// The last address, which the Conn itself has tried, has failed before.
			c.failDial(why)
		}
	}
	c.checkState()
}

// win makes the rival's connection that of the Conn.
func (v *rival) win(peer Addr) {
	c := v.c
	fd := v.leave()
	c.closeFD()
	c.w.r.removeUnconnected(c)
	c.w.open(c.w.r, fd, c)
	c.w.r.mustClose(fd)
	c.dialled(peer)
}

// close gives up the rival.
func (v *rival) close() {
	fd := v.leave()
	if e := kernel.CloseAtOnce(v.w.r.k, fd); e != 0 {
		v.w.r.closeFailed(fd, e)
	}
}

// leave removes the rival from the dial and unregisters its descriptor.
func (v *rival) leave() (fd int) {
	d := v.c.dialing
	if i := slices.Index(d.rivals, v); i >= 0 {
		d.rivals = slices.Delete(d.rivals, i, i+1)
	}
	v.w.drop()
	return int(v.w.fd)
}

// closeRivals gives up all rivals.
func (d *dialing) closeRivals() {
	for len(d.rivals) > 0 {
		d.rivals[0].close()
	}
}
