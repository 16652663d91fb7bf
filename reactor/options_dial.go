package reactor

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// WithKeepAlive makes the kernel probe a TCP peer when the peer has been silent for d, and then
// after each further d. d is rounded up to whole seconds and must be from 1 s to 9 h. By default
// there are no probes, because an idle timeout needs no packets.
func WithKeepAlive(d time.Duration) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if d < time.Second || d > keepAliveMax {
			return fmt.Errorf("reactor: WithKeepAlive(%v): must be 1s … %v", d, keepAliveMax)
		}
		o.keepAlive = everyKeepAlive(d)
		return nil
	})
}

const keepAliveMax = 32767 * time.Second // the limit of TCP_KEEPIDLE

// WithKeepAliveConfig configures keep-alive probes as net.KeepAliveConfig does. A time of 0 means
// 15 s, and a count of 0 means 9. A negative time or count leaves the value of the system. Times
// have the same upper limit as in WithKeepAlive. The largest count is 127.
func WithKeepAliveConfig(c net.KeepAliveConfig) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if c.Idle > keepAliveMax || c.Interval > keepAliveMax || c.Count > keepAliveProbesMax {
			return fmt.Errorf("reactor: WithKeepAliveConfig(%+v): Idle and Interval must be at most %v, and Count must be at most %d", c, keepAliveMax, keepAliveProbesMax)
		}
		o.keepAlive = c
		return nil
	})
}

const keepAliveProbesMax = 127 // the limit of TCP_KEEPCNT

// WithUserTimeout makes a TCP connection fail with ETIMEDOUT if its data is not acknowledged for d
// (TCP_USER_TIMEOUT, RFC 5482). d must be from 1 ms to 24 h. By default the system decides, often
// after 15 minutes. On a system without this option the error is errors.ErrUnsupported.
func WithUserTimeout(d time.Duration) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("reactor: WithUserTimeout(%v): must be 1ms … 24h", d)
		}
		if kernel.TCP_USER_TIMEOUT == 0 {
			return fmt.Errorf("reactor: WithUserTimeout: %w", errors.ErrUnsupported)
		}
		o.userTimeout = d
		return nil
	})
}

// WithDialTimeout limits the time of a whole Dial, including the lookup and all addresses. It must
// be from 1 ms to 24 h. The default is 30 s.
func WithDialTimeout(d time.Duration) DialOption {
	return dialOption(func(o *sockOptions) error {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("reactor: WithDialTimeout(%v): must be 1ms … 24h", d)
		}
		o.timeout = d
		return o.only("dial", "WithDialTimeout")
	})
}

// WithFallbackDelay sets how long a Dial waits for one address before it also tries the next one,
// at most 24 h. 0, the default, means 300 ms (RFC 8305). If d is negative, an address must fail
// before the next one is tried. A Dial tries at most 8 addresses at the same time.
func WithFallbackDelay(d time.Duration) DialOption {
	return dialOption(func(o *sockOptions) error {
		if d > 24*time.Hour {
			return fmt.Errorf("reactor: WithFallbackDelay(%v): must be at most 24h", d)
		}
		o.fallback = d
		return o.only("dial", "WithFallbackDelay")
	})
}

// WithLocalAddr makes Dial connect from addr: an IP address with a port, which may be 0, or the
// path of a Unix socket. Dial then tries only addresses of the remote host that have the same
// family as addr.
func WithLocalAddr(addr string) DialOption {
	return dialOption(func(o *sockOptions) error {
		o.local = addr
		return o.only("dial", "WithLocalAddr")
	})
}

// WithResolver makes Dial look up names with r. The default is net.DefaultResolver. On a simulated
// host, Dial looks up names in the simulated world by default.
func WithResolver(r *net.Resolver) DialOption {
	return dialOption(func(o *sockOptions) error {
		if r == nil {
			return errors.New("reactor: WithResolver(nil); leave it out for net.DefaultResolver")
		}
		o.resolver = r
		return o.only("dial", "WithResolver")
	})
}

// WithControl makes Listen, ListenPacket and Dial call f with each new descriptor, before it is
// bound or connected. f can set options for which this package has no function.
func WithControl(f func(fd int) error) SocketOption {
	return socketOption(func(o *sockOptions) error { o.control = f; return nil })
}
