package reactor

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/internal/zaplog"
)

type options struct {
	kernel    Kernel
	log       *zaplog.Logger
	onPanic   func(c *Conn, v any, stack []byte)
	slow      time.Duration
	watch     func(r *Reactor) // startWatchdog, or nil, so that the linker can drop it
	trace     *Trace
	postLimit int
	readSize  int
	spin      time.Duration
}

func defaultOptions() options {
	return options{kernel: kernel.Host, log: zaplog.Nop(), postLimit: 1 << 16, readSize: readSize}
}

// An Option configures a Reactor. New returns its error.
type Option func(*options) error

// WithKernel makes the reactor run on another Kernel than the host's, such as a simulated one.
func WithKernel(k Kernel) Option {
	return func(o *options) error {
		if k == nil {
			return fmt.Errorf("reactor: WithKernel(nil)")
		}
		o.kernel = k
		return nil
	}
}

// WithLogger logs to l the faults that no call returns as an error: failures to accept, slow
// callbacks, isolated panics. Without this option nothing is logged. Ordinary traffic causes no log
// lines.
//
// l may be a *zap.Logger. The reactor uses its name and its core, with the core's level and fields.
// Settings that zap keeps outside the core have no effect: AddCaller, AddStacktrace, WithClock,
// ErrorOutput. Package reactor itself imports zapcore only. See WithSlog for package log/slog. If
// there are several WithLogger and WithSlog, the last one counts.
func WithLogger(l interface{ Core() zapcore.Core }) Option {
	return func(o *options) error {
		log := zaplog.Of(l)
		if log == nil {
			return fmt.Errorf("reactor: WithLogger(nil); leave it out for silence, or use zap.NewNop()")
		}
		o.log = log
		return nil
	}
}

// WithSlog is WithLogger for package log/slog. Levels have the same names, and errors remain
// values of type error. The records have no source.
func WithSlog(l *slog.Logger) Option {
	return func(o *options) error {
		if l == nil || l.Handler() == nil {
			return fmt.Errorf("reactor: WithSlog(nil); leave it out for silence, or use slog.DiscardHandler")
		}
		o.log = zaplog.Slog(l.Handler())
		return nil
	}
}

// WithPanicHandler isolates panics in callbacks, so that they do not end the process. The Conn
// whose handler panicked is aborted: its Closed gets a *PanicError. f is called with the value and
// the stack. c is nil for timers, posted functions, accept functions and Watches. A Watch that
// panicked is stopped. A panic in f is logged and isolated. runtime.Goexit is isolated too, with
// the value ErrGoexit. The loop then continues in another goroutine. If the goroutine of the loop
// is locked to its thread (runtime.LockOSThread), the loop continues in the same goroutine. The
// goroutine that called Run is unwound, so Run never returns to its caller.
func WithPanicHandler(f func(c *Conn, v any, stack []byte)) Option {
	return func(o *options) error {
		if f == nil {
			return fmt.Errorf("reactor: WithPanicHandler(nil)")
		}
		o.onPanic = f
		return nil
	}
}

// WithSlowCallback logs every callback that keeps the loop for d or longer: its kind, the
// descriptor, the duration, and the stacks while it still runs. It costs a goroutine, and two
// readings of the clock for each callback.
func WithSlowCallback(d time.Duration) Option {
	return func(o *options) error {
		if d < time.Millisecond {
			return fmt.Errorf("reactor: WithSlowCallback(%v): must be 1ms or more", d)
		}
		o.slow, o.watch = d, (*Reactor).startWatchdog
		return nil
	}
}

// WithPostLimit is how many posted functions and PostSends may wait at once, 1 … 1<<24; 65,536 if
// not set.
func WithPostLimit(n int) Option {
	return func(o *options) error {
		if n < 1 || n > 1<<24 {
			return fmt.Errorf("reactor: WithPostLimit(%d): must be 1 … %d", n, 1<<24)
		}
		o.postLimit = n
		return nil
	}
}

// sockOptions are the settings of one Listen, Dial or ListenPacket. All Conns of a Listener share
// one sockOptions.
type sockOptions struct {
	op          string // "listen", "dial", "listen packet"
	low         int
	high        int
	cap         int
	linger      time.Duration
	backlog     int
	accepts     int
	maxConns    int
	reusePort   bool
	groupShared bool    // the socket is shared with the other loops of a Group
	balance     Balance // the Balance of a Group
	chosen      bool    // the Group has chosen balance, and may choose another
	// passed returns the sockets that were passed for an address, with their options set; nil
	// without WithInherited, so that the linker drops it.
	passed      func(k Kernel, n netaddr.Network, b netaddr.Binding) ([]inheritedSocket, error)
	delay       bool // Nagle on
	keepAlive   net.KeepAliveConfig
	userTimeout time.Duration // 0: the system's
	timeout     time.Duration
	fallback    time.Duration // see WithFallbackDelay
	local       string        // see WithLocalAddr
	resolver    *net.Resolver
	control     func(fd int) error
	filter      func(*Wire) Filter
	// proxied makes a Conn begin with a PROXY header, and returns false if its peer may not; nil
	// without WithProxy, so that the linker drops it.
	proxied  func(c *Conn, from Addr) bool
	tcp      bool
	ecn, gro bool // options of datagram sockets
	edge     bool // a short read has emptied the socket, so an edge is enough
}

func newSockOptions(op string, set func(*sockOptions) error) (*sockOptions, error) {
	o := &sockOptions{op: op, low: 64 << 10, high: 256 << 10, cap: 4 << 20, linger: 30 * time.Second,
		backlog: 4096, accepts: 64, timeout: 30 * time.Second}
	if err := set(o); err != nil {
		return nil, err
	}
	return o, nil
}

func noOption(i int) error { return fmt.Errorf("reactor: option %d is nil; leave it out", i) }

// A ListenOption sets something of one Listen or ListenPacket. That call returns the option's
// error, also if the option does not apply to the call.
type ListenOption interface{ forListen(*sockOptions) error }

// A DialOption sets something of one Dial, which returns its error.
type DialOption interface{ forDial(*sockOptions) error }

// A SocketOption is a ListenOption and a DialOption. So it can be passed to Listen, ListenPacket
// and Dial.
type SocketOption interface {
	ListenOption
	DialOption
}

type (
	listenOption func(*sockOptions) error
	dialOption   func(*sockOptions) error
	socketOption func(*sockOptions) error
)

func (f listenOption) forListen(o *sockOptions) error { return f(o) }
func (f dialOption) forDial(o *sockOptions) error     { return f(o) }
func (f socketOption) forListen(o *sockOptions) error { return f(o) }
func (f socketOption) forDial(o *sockOptions) error   { return f(o) }

// eachOption applies the options in their order. It stops at the first error.
func eachOption[O any](opts []O, set func(O, *sockOptions) error) func(*sockOptions) error {
	return func(o *sockOptions) error {
		for i, opt := range opts {
			if any(opt) == nil {
				return noOption(i)
			}
			if err := set(opt, o); err != nil {
				return err
			}
		}
		return nil
	}
}

func (o *sockOptions) only(op, option string) error {
	if o.op != op {
		return fmt.Errorf("reactor: %s is for %s, not for %s", option, op, o.op)
	}
	return nil
}

// WithLimits sets a Conn's output limits in bytes. If more than high is buffered, the Conn is not
// read. When no more than low is buffered, it is read again, and Drained is called. A Send that
// would exceed limit is refused. 0 <= low <= high <= limit, 1 <= limit <= 1<<30. The defaults are
// 64 KiB, 256 KiB and 4 MiB.
func WithLimits(low, high, limit int) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if low < 0 || low > high || high > limit || limit < 1 || limit > 1<<30 {
			return fmt.Errorf("reactor: WithLimits(%d, %d, %d): must be 0 <= low <= high <= limit, 1 <= limit <= %d", low, high, limit, 1<<30)
		}
		o.low, o.high, o.cap = low, high, limit
		return nil
	})
}

// WithLinger sets how long a closing Conn waits for a peer that receives nothing of its output.
// Then the Conn gives up with ErrStuck. The range is 1 ms … 24 h, the default 30 s.
func WithLinger(d time.Duration) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("reactor: WithLinger(%v): must be 1ms … 24h", d)
		}
		o.linger = d
		return nil
	})
}

// WithBacklog is how many connections wait for accept, 0 … 1<<16; 4,096 if not set; the system may
// have less.
func WithBacklog(n int) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if n < 0 || n > 1<<16 {
			return fmt.Errorf("reactor: WithBacklog(%d): must be 0 … %d", n, 1<<16)
		}
		o.backlog = n
		return o.only("listen", "WithBacklog")
	})
}

// WithAccepts is how many connections are accepted in one turn, so that a flood of new connections
// cannot starve the open ones; 1 … 1<<16, 64 if not set.
func WithAccepts(n int) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if n < 1 || n > 1<<16 {
			return fmt.Errorf("reactor: WithAccepts(%d): must be 1 … %d", n, 1<<16)
		}
		o.accepts = n
		return o.only("listen", "WithAccepts")
	})
}

// WithMaxConns stops accepting while n of the listener's Conns are open; the next ones wait in the
// backlog. n >= 1; no limit if not set.
func WithMaxConns(n int) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if n < 1 {
			return fmt.Errorf("reactor: WithMaxConns(%d): must be 1 or more", n)
		}
		o.maxConns = n
		return o.only("listen", "WithMaxConns")
	})
}

// WithReusePort lets several sockets of one user bind the same address (SO_REUSEPORT).
func WithReusePort() ListenOption {
	return listenOption(func(o *sockOptions) error {
		o.reusePort = true
		if o.op == "dial" {
			return fmt.Errorf("reactor: WithReusePort is for listen and listen packet, not for dial")
		}
		return nil
	})
}

// WithNoDelay(false) turns Nagle's algorithm on. By default TCP_NODELAY is set.
func WithNoDelay(on bool) SocketOption {
	return socketOption(func(o *sockOptions) error { o.delay = !on; return nil })
}
