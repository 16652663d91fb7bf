package reactor

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// WithKeepAlive makes the kernel probe a TCP peer that has been silent for d, and again after each
// further d; whole seconds, 1 s … 9 h. Off if not set: an idle timeout costs no packets.
func WithKeepAlive(d time.Duration) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if d < time.Second || d > keepAliveMax {
			return fmt.Errorf("reactor: WithKeepAlive(%v): must be 1s … %v", d, keepAliveMax)
		}
		o.keepAlive = everyKeepAlive(d)
		return nil
	})
}

const keepAliveMax = 32767 * time.Second // TCP_KEEPIDLE's limit

// WithKeepAliveConfig configures keep-alive probes as net.KeepAliveConfig does. A time of 0 means
// 15 s, a count of 0 means 9, and a negative one keeps the system's value. The largest time is that
// of WithKeepAlive, and the largest count is 127.
func WithKeepAliveConfig(c net.KeepAliveConfig) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if c.Idle > keepAliveMax || c.Interval > keepAliveMax || c.Count > keepAliveProbesMax {
			return fmt.Errorf("reactor: WithKeepAliveConfig(%+v): must be … %v, … %v, … %d", c, keepAliveMax, keepAliveMax, keepAliveProbesMax)
		}
		o.keepAlive = c
		return nil
	})
}

const keepAliveProbesMax = 127 // TCP_KEEPCNT's limit

// WithUserTimeout makes a TCP connection fail with ETIMEDOUT if its data is not acknowledged for d,
// 1 ms … 24 h (TCP_USER_TIMEOUT, RFC 5482). If not set, the system decides, often after 15 minutes.
// A system without the option returns errors.ErrUnsupported.
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

// WithDialTimeout bounds the whole of a Dial: lookup and all addresses; 1 ms … 24 h, 30 s if not
// set.
func WithDialTimeout(d time.Duration) DialOption {
	return dialOption(func(o *sockOptions) error {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("reactor: WithDialTimeout(%v): must be 1ms … 24h", d)
		}
		o.timeout = d
		return o.only("dial", "WithDialTimeout")
	})
}

// WithFallbackDelay sets how long a Dial waits for one address before it tries the next one as
// well, at most 24 h. 0, the default, means 300 ms (RFC 8305). With a negative d, an address has to
// fail before the next one is tried. At most 8 addresses are tried at the same time.
func WithFallbackDelay(d time.Duration) DialOption {
	return dialOption(func(o *sockOptions) error {
		if d > 24*time.Hour {
			return fmt.Errorf("reactor: WithFallbackDelay(%v): must be … 24h", d)
		}
		o.fallback = d
		return o.only("dial", "WithFallbackDelay")
	})
}

// WithLocalAddr dials from addr: an IP address with a port, which may be 0, or the path of a Unix
// socket. Dial then tries only those addresses of the remote host that have the family of addr.
func WithLocalAddr(addr string) DialOption {
	return dialOption(func(o *sockOptions) error {
		o.local = addr
		return o.only("dial", "WithLocalAddr")
	})
}

// WithResolver makes Dial look up names with r. Without this option Dial uses net.DefaultResolver,
// or on a simulated host the names of the simulated world.
func WithResolver(r *net.Resolver) DialOption {
	return dialOption(func(o *sockOptions) error {
		if r == nil {
			return errors.New("reactor: WithResolver(nil); leave it out for net.DefaultResolver")
		}
		o.resolver = r
		return o.only("dial", "WithResolver")
	})
}

// WithControl calls f with the descriptor before it is bound or connected, for options that have no
// name here.
func WithControl(f func(fd int) error) SocketOption {
	return socketOption(func(o *sockOptions) error { o.control = f; return nil })
}
