package reactor

import (
	"errors"
	"fmt"
	"net"
	"time"
)

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
