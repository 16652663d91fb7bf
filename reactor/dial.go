package reactor

import (
	"context"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/timeout"
)

// dialing has the fields that a Conn needs only until it is connected.
type dialing struct {
	net    netaddr.Network
	addr   string
	local  Addr          // the address of WithLocalAddr; the zero Addr means any
	delay  time.Duration // the delay of WithFallbackDelay
	order  netaddr.Order // the addresses that are not tried yet
	limit  time.Duration // the time limit of the present address
	until  timeout.Deadline
	timer  *Timer
	cancel context.CancelFunc // ends the lookup
	last   error              // why the previous address has failed
	rivals []*rival           // older addresses that are still tried, the oldest first
	beside bool               // the timer is for the next address; this one is still tried

	// begin and connected are the methods connectNext and connected of the Conn. As fields, they
	// let the linker drop these methods from programs that do not dial.
	begin, connected func()

	listed      bool // in the list r.unconnected
	unconnected links[Conn]
}

// Dial connects to an address. network and addr have the same form as for Listen. Dial looks up a
// host name without blocking the loop, and tries its addresses until one answers: see
// WithFallbackDelay. Send may be called at once. Opened is called when the Conn is connected. If
// Dial has returned a Conn, an error is reported by Closed, in a later turn.
func (r *Reactor) Dial(network, addr string, h Handler, opts ...DialOption) (*Conn, error) {
	if h == nil {
		panic("reactor: Dial with a nil handler")
	}
	c, err := r.newDial(network, addr, h, opts)
	if err != nil {
		return nil, opError("dial", network, addr, err)
	}
	return c, nil
}

func (r *Reactor) newDial(network, addr string, h Handler, opts []DialOption) (*Conn, error) {
	n, o, err := r.socketOptions("dial", network, true, eachOption(opts, DialOption.forDial))
	if err != nil {
		return nil, err
	}
	c := &Conn{opt: o, state: dialling, dialing: &dialing{net: n, addr: addr, delay: o.fallback, until: timeout.Timeout(o.timeout).After(r.k.Now())}}
	c.dialing.begin, c.dialing.connected = c.connectNext, c.connected
	c.w.r = r
	c.attachFilter()
	if err := c.dialing.from(r.k, o.local); err != nil {
		return nil, err
	}
	q, err := c.dialing.resolve(r.k)
	if err != nil {
		return nil, err
	}
	c.setHandler(h)
	r.conns++
	r.addUnconnected(c)
	if q.Asks() {
		c.lookup(q)
	} else {
		r.dials.add(c) // a connect may fail at once, but Closed must not be called before Dial returns
	}
	return c, nil
}

// lookup looks up the names on a goroutine, because a lookup may block. A Post brings the result to
// the loop. If the Conn has ended meanwhile, the result is dropped.
func (c *Conn) lookup(q *netaddr.Query) {
	r, d := c.w.r, c.dialing
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.timer = r.After(d.until.Left(r.k.Now()), c.dialTimedOut)
	r.k.Go(func() {
		k := r.k
		if c.opt.resolver != nil {
			k = kernel.WithResolver(k, c.opt.resolver)
		}
		err := q.Ask(ctx, k)
		cancel()
		r.mustPost(func() {
			if c.is(released) {
				return
			}
			if err == nil {
				err = d.found(r.k, q)
			}
			if err != nil {
				c.failDial(err)
				return
			}
			c.connectNext()
		})
	})
}

// connectNext begins to connect to the next address. It is guarded, because the function of
// WithControl is user code.
func (c *Conn) connectNext() { c.w.r.guard(c, c.connectNextAddr) }

func (c *Conn) connectNextAddr() {
	r, d := c.w.r, c.dialing
	for !c.is(released) {
		a, limit, ok := d.order.Next(d.until.Left(r.k.Now()))
		if !ok {
			break
		}
		d.limit = limit
		err := c.connect(a.Addr)
		if err == nil {
			c.wait()
			return
		}
		d.last = err
		c.closeFD()
		r.addUnconnected(c)
	}
	switch {
	case c.is(released):
	case len(d.rivals) > 0 && !d.until.Passed(r.k.Now()): // one of the rivals may still connect
		c.arm(d.until.Left(r.k.Now()))
	default:
		c.failDial(d.last)
	}
}

func (c *Conn) connect(a Addr) error {
	r := c.w.r
	fd, e := r.k.Socket(a.Family, c.dialing.net.Type, 0)
	if e != 0 {
		return callError("socket", e)
	}
	c.w.open(r, fd, c)
	r.removeUnconnected(c)
	r.mustClose(fd)
	c.dialing.net.Birth(a.Family, netaddr.Trying(setter(r.k, fd)))
	if c.dialing.net.TCP() {
		tcpOptions(r.k, fd, c.opt)
	}
	if err := r.control(fd, c.opt); err != nil {
		return err
	}
	if local := c.dialing.local; local.Family != 0 {
		local.Family = a.Family // the zero Addr with a port may have either family
		if e := r.k.Bind(fd, local); e != 0 {
			return callError("bind", e)
		}
	}
	if e := r.k.Connect(fd, a); e != 0 && e != kernel.EINPROGRESS {
		return callError("connect", e)
	}
	return nil
}

// wait arms the timer for the time limit of this address, or for the time when the next address is
// tried too. Then it registers for Out. The kernel reports Out even if connect has succeeded at
// once.
func (c *Conn) wait() {
	d := c.dialing
	delay, more := d.order.Delay()
	if d.beside = more && delay < d.limit; d.beside {
		c.arm(delay)
	} else {
		c.arm(d.limit)
	}
	c.watch()
}

// arm makes the loop call dialTimedOut after t.
func (c *Conn) arm(t time.Duration) {
	d := c.dialing
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer = c.w.r.After(t, c.dialTimedOut)
}

func (c *Conn) dialTimedOut() {
	d := c.dialing
	switch {
	case d == nil || c.is(released):
	case d.beside && c.w.gen != 0:
		d.beside = false
		c.tryBeside()
	default:
		c.retryNext(callError("connect", kernel.ETIMEDOUT))
	}
}

// connected handles an Event while the Conn is connecting.
func (c *Conn) connected() {
	peer, why, done := c.outcome(int(c.w.fd))
	switch {
	case !done:
	case why == nil:
		c.dialled(peer)
	default:
		c.retryNext(why)
	}
}

// outcome returns how a connect has ended. SO_ERROR has the error. getpeername shows whether the
// connect has ended at all: after a spurious Event, done is false.
func (c *Conn) outcome(fd int) (peer Addr, why error, done bool) {
	r := c.w.r
	v, e := r.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
	if e == 0 {
		e = kernel.Errno(v)
	}
	switch e {
	case 0:
		peer, e := r.k.PeerAddr(fd)
		if e == kernel.ENOTCONN {
			return peer, nil, false
		}
		if self, e := r.k.LocalAddr(fd); e == 0 && c.dialing.net.SelfConnect(self, peer) {
			return peer, callError("connect", kernel.ECONNREFUSED), true
		}
		return peer, nil, true
	case kernel.EINPROGRESS, kernel.EALREADY, kernel.EINTR:
		return peer, nil, false
	}
	return peer, callError("connect", e), true
}

// dialled opens the Conn when it is connected.
func (c *Conn) dialled(peer Addr) {
	r := c.w.r
	c.peer, c.opened = shortAddr(peer), r.age()
	c.dialing.closeRivals()
	c.dialing.timer.Stop()
	c.dialing = nil
	c.state &^= dialling
	r.rare().Dialled++
	c.established()
}

// retryNext gives up the present address because of the error `why`, and tries the next one.
func (c *Conn) retryNext(why error) {
	d := c.dialing
	if d == nil || c.is(released) {
		return
	}
	d.last = why
	if c.w.gen != 0 {
		c.closeFD()
		c.w.r.addUnconnected(c)
		c.connectNext()
		return
	}
	c.failDial(why)
}

func (c *Conn) failDial(err error) {
	c.tearDown(opError("dial", c.dialing.net.Name, c.dialing.addr, err))
}

// stopDialling releases what belongs to the dial, if the Conn was not connected.
func (c *Conn) stopDialling() {
	if c.dialing == nil {
		return
	}
	c.w.r.removeUnconnected(c)
	c.dialing.closeRivals()
	if c.dialing.timer != nil {
		c.dialing.timer.Stop()
	}
	if c.dialing.cancel != nil {
		c.dialing.cancel()
	}
}
