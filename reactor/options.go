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
	watch     func(r *Reactor) // startWatchdog; as a field, so that the linker can drop it
	trace     *Trace
	postLimit int
	readSize  int
	spin      time.Duration
}

func defaultOptions() options {
	return options{kernel: kernel.Host, log: zaplog.Nop(), postLimit: 1 << 16, readSize: readSize}
}

// An Option configures a Reactor. If an option has an error, New returns it.
type Option func(*options) error

// WithKernel makes the reactor use k instead of the host's Kernel, for example a simulated one.
func WithKernel(k Kernel) Option {
	return func(o *options) error {
		if k == nil {
			return fmt.Errorf("reactor: WithKernel(nil)")
		}
		o.kernel = k
		return nil
	}
}

// WithLogger makes the reactor log to l. It logs faults that no call returns as an error, such as
// accepts that fail, slow callbacks and isolated panics. Ordinary traffic causes no log lines.
// Without this option nothing is logged.
//
// l may be a *zap.Logger. The reactor uses its name and its core, including the core's level and
// fields. Settings that zap stores outside of the core have no effect: AddCaller, AddStacktrace,
// WithClock and ErrorOutput. Package reactor imports zapcore, but not zap. For package log/slog see
// WithSlog. If several WithLogger and WithSlog are passed, the last one has an effect.
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

// WithSlog is WithLogger for package log/slog. Levels have the same names. Errors stay values of
// type error. The records have no source position.
func WithSlog(l *slog.Logger) Option {
	return func(o *options) error {
		if l == nil || l.Handler() == nil {
			return fmt.Errorf("reactor: WithSlog(nil); leave it out for silence, or use slog.DiscardHandler")
		}
		o.log = zaplog.Slog(l.Handler())
		return nil
	}
}

// WithPanicHandler isolates panics of callbacks, so that they do not end the process. The Conn
// whose handler has panicked is aborted, and its Closed gets a *PanicError. f is called with the
// value and the stack. For timers, posted functions, accept functions and Watches, c is nil. A
// Watch whose function has panicked is stopped. If f itself panics, that panic is logged and
// isolated.
//
// runtime.Goexit is isolated too, with the value ErrGoexit. The goroutine of Run must end then, so
// Run never returns to its caller. The loop continues on another goroutine. If the goroutine is
// locked to its thread (runtime.LockOSThread), the loop stays on that goroutine, in a deferred
// call.
//
// The logger is isolated as well: each line is written on a goroutine of its own, while the caller
// waits. A panic or a Goexit of the logger is passed to f, with a nil Conn. In a simulated world
// the caller writes the line itself, and a Goexit of the logger ends the present step.
//
// f gets each panic and each Goexit once, even if it leaves several callbacks. There is one
// exception: if Goexit unwinds a callback, and a deferred function calls Goexit again, f gets one.
func WithPanicHandler(f func(c *Conn, v any, stack []byte)) Option {
	return func(o *options) error {
		if f == nil {
			return fmt.Errorf("reactor: WithPanicHandler(nil)")
		}
		o.onPanic = f
		return nil
	}
}

// WithSlowCallback logs every callback that takes d or longer. The log lines have the kind of the
// callback, its descriptor and duration, and stacks from the time when it still runs. The option
// costs a goroutine, and two readings of the clock for each callback.
func WithSlowCallback(d time.Duration) Option {
	return func(o *options) error {
		if d < time.Millisecond {
			return fmt.Errorf("reactor: WithSlowCallback(%v): must be 1ms or more", d)
		}
		o.slow, o.watch = d, (*Reactor).startWatchdog
		return nil
	}
}

// WithPostLimit limits how many posted functions and PostSends may wait at the same time, from 1 to
// 1<<24. The default is 65,536.
func WithPostLimit(n int) Option {
	return func(o *options) error {
		if n < 1 || n > 1<<24 {
			return fmt.Errorf("reactor: WithPostLimit(%d): must be 1 … %d", n, 1<<24)
		}
		o.postLimit = n
		return nil
	}
}

// sockOptions are the settings of one Listen, Dial or ListenPacket. The Conns of a Listener share
// one sockOptions.
type sockOptions struct {
	op          string // "listen", "dial", "listen packet", "attach" or "retire"
	low         int
	high        int
	cap         int
	linger      time.Duration
	backlog     int
	accepts     int
	maxConns    int
	reusePort   bool
	groupShared bool    // each loop of the Group has a socket at the address
	balance     Balance // the Balance of a Group
	chosen      bool    // the Group has chosen balance, and may change it
	// passed returns the sockets that were passed for an address, and sets their options. It is nil
	// without WithInherited, so that the linker can drop the code.
	passed      func(k Kernel, n netaddr.Network, b netaddr.Binding) ([]inheritedSocket, error)
	delay       bool // Nagle's algorithm is on
	keepAlive   net.KeepAliveConfig
	userTimeout time.Duration // 0 if the system decides
	timeout     time.Duration
	fallback    time.Duration // the delay of WithFallbackDelay
	local       string        // the address of WithLocalAddr
	resolver    *net.Resolver
	control     func(fd int) error
	filter      func(*Wire) Filter
	// proxied makes a Conn begin with a PROXY header. It returns false if the Conn's peer is not
	// trusted. It is nil without WithProxy, so that the linker can drop the code.
	proxied  func(c *Conn, from Addr) bool
	tcp      bool
	ecn, gro bool // options of datagram sockets
	edge     bool // a short read has emptied the socket, so an edge-triggered registration is enough
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

// A ListenOption is a setting of one Listen or ListenPacket. That call returns the error of the
// option, for example if the option is not for this call.
type ListenOption interface{ forListen(*sockOptions) error }

// A DialOption is a setting of one Dial. Dial returns the error of the option.
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

// eachOption applies the options in order, and stops at the first error.
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

// WithBacklog sets how many connections may wait to be accepted, from 0 to 1<<16. The default is
// 4,096. The system may have a lower limit.
func WithBacklog(n int) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if n < 0 || n > 1<<16 {
			return fmt.Errorf("reactor: WithBacklog(%d): must be 0 … %d", n, 1<<16)
		}
		o.backlog = n
		return o.only("listen", "WithBacklog")
	})
}

// WithAccepts limits how many connections a Listener accepts in one turn, from 1 to 1<<16. The
// default is 64. The limit keeps a flood of new connections from delaying the open ones.
func WithAccepts(n int) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if n < 1 || n > 1<<16 {
			return fmt.Errorf("reactor: WithAccepts(%d): must be 1 … %d", n, 1<<16)
		}
		o.accepts = n
		return o.only("listen", "WithAccepts")
	})
}

// WithMaxConns stops accepting while n of the Listener's Conns are open. Further connections wait
// in the backlog. n must be at least 1. By default there is no limit.
func WithMaxConns(n int) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if n < 1 {
			return fmt.Errorf("reactor: WithMaxConns(%d): must be 1 or more", n)
		}
		o.maxConns = n
		return o.only("listen", "WithMaxConns")
	})
}

// WithReusePort allows several sockets of one user to bind the same address (SO_REUSEPORT).
func WithReusePort() ListenOption {
	return listenOption(func(o *sockOptions) error {
		o.reusePort = true
		if o.op == "dial" {
			return fmt.Errorf("reactor: WithReusePort is for listen and listen packet, not for dial")
		}
		return nil
	})
}
