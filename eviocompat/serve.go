//go:build linux || darwin || freebsd

package eviocompat

import (
	"context"
	"errors"
	"math"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// drainTime is how long Serve continues to deliver output after a Shutdown action.
const drainTime = 5 * time.Second

// maxOutput is the limit for the unsent output of a connection. It is the largest possible limit,
// because evio has no error for more output.
const maxOutput = 1 << 30

type server struct {
	events Events
	group  *reactor.Group
	addrs  []net.Addr
	delay  time.Duration // the delay that the last Tick returned

	ends    atomic.Bool // shutdown has begun
	stopped sync.WaitGroup
}

// Serve is evio.Serve: it opens the addresses and serves them until a function of events returns
// Shutdown. Then it continues for up to 5 seconds to deliver the output that was sent. Serve
// returns nil, an error that has kept it from serving, or a *reactor.UndeliveredError.
//
// Addresses are tcp://, tcp4://, tcp6://, udp://, udp4://, udp6://host:port or unix://path. Without
// a scheme an address is tcp. ?reuseport=true shares the port with other sockets. The same loops
// serve the schemes with -net and those without.
func Serve(events Events, addr ...string) error { return ServeWith(nil, events, addr...) }

// ServeWith is Serve with options for the loops, which evio does not have. With
// reactor.WithPanicHandler a panic in an event closes only its own connection. reactor.WithLogger
// writes a log, and reactor.WithSlowCallback names an event that blocks. reactor.WithPostLimit has
// no effect: Wake cannot report an error, so the limit is the maximum.
func ServeWith(opts []reactor.Option, events Events, addr ...string) error {
	loops := events.NumLoops
	switch {
	case loops < 0:
		loops = runtime.NumCPU()
	case loops == 0:
		loops = 1
	}
	g, err := reactor.NewGroup(loops, append(slices.Clone(opts), reactor.WithPostLimit(1<<24))...)
	if err != nil {
		return err
	}
	s := &server{events: events, group: g, delay: time.Second}
	running := false
	defer func() {
		if !running { // Serving has not returned
			_ = g.Shutdown(context.Background()) // no client is connected yet, so nothing is lost
		}
	}()
	for i, a := range addr {
		if err := s.listen(i, a); err != nil {
			return errors.Join(err, g.Shutdown(context.Background()))
		}
	}
	if events.Serving != nil && events.Serving(Server{Addrs: s.addrs, NumLoops: loops}) == Shutdown {
		return g.Shutdown(context.Background())
	}
	if events.Tick != nil {
		if err := g.Loops()[0].Post(func() { s.tickOn(g.Loops()[0]) }); err != nil {
			return errors.Join(err, g.Shutdown(context.Background()))
		}
	}
	running = true
	err = g.Run(context.Background())
	s.stopped.Wait()
	return err
}

func (s *server) listen(i int, text string) error {
	network, addr, share := address(text)
	var opts []reactor.ListenOption
	if share {
		opts = append(opts, reactor.WithReusePort())
	}
	if network == "unix" {
		unlink(addr)
	}
	l, err := s.open(i, network, addr, opts)
	if err != nil {
		return err
	}
	s.addrs = append(s.addrs, l.Addr())
	return nil
}

func (s *server) open(i int, network, addr string, opts []reactor.ListenOption) (*reactor.GroupListener, error) {
	if strings.HasPrefix(network, "udp") {
		return s.group.ListenPacket(network, addr, func(c *reactor.PacketConn) reactor.PacketHandler {
			return &packets{s: s, index: i, local: c.LocalAddr()}
		}, opts...)
	}
	switch s.events.LoadBalance {
	case RoundRobin:
		opts = append(opts, reactor.WithBalance(reactor.RoundRobin))
	case LeastConnections:
		opts = append(opts, reactor.WithBalance(reactor.LeastConns))
	}
	opts = append(opts, reactor.WithLimits(64<<10, 256<<10, maxOutput))
	tcp := strings.HasPrefix(network, "tcp")
	return s.group.Listen(network, addr, func(c *reactor.Conn) reactor.Handler {
		return &conn{s: s, c: c, index: i, tcp: tcp}
	}, opts...)
}

// tickOn makes the loop call Tick. If the loop fails, its tasks are cancelled, and another loop
// calls Tick. Otherwise a server that only Tick can end would never end.
func (s *server) tickOn(r *reactor.Reactor) {
	guard := r.Go(func(t *reactor.Task) {
		for t.Sleep(math.MaxInt64) == nil {
		}
		if !s.ends.Load() {
			_ = s.group.Post(s.tickOn) // an error means that no loop is left, or that the loops drain
		}
	})
	if guard.Done() { // this loop fails too
		_ = s.group.Post(s.tickOn)
		return
	}
	s.tick(r)
}

// tick calls Tick at once, and then after each delay that Tick returns. If a panic handler catches
// a panic of Tick, the ticks continue.
func (s *server) tick(r *reactor.Reactor) {
	action := None
	defer func() {
		if action != Shutdown {
			r.After(s.delay, func() { s.tick(r) })
		}
	}()
	if s.delay, action = s.events.Tick(); action == Shutdown {
		s.shutdown()
	}
}

// shutdown begins the end of Serve.
func (s *server) shutdown() {
	if s.ends.Swap(true) {
		return
	}
	s.stopped.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = s.group.Shutdown(ctx) // Run returns the same error
	})
}

// done performs the action of an event that has no connection.
func (s *server) done(action Action) {
	if action == Shutdown {
		s.shutdown()
	}
}
