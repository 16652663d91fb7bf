package reactor

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// WithLimits sets the limits of a Conn's output, in bytes. If more than high is buffered, the Conn
// is not read. When no more than low is buffered, it is read again, and Drained is called. A Send
// is refused if more than limit would be buffered. Required are 0 <= low <= high <= limit and 1 <=
// limit <= 1<<30. The defaults are 64 KiB, 256 KiB and 4 MiB.
func WithLimits(low, high, limit int) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if low < 0 || low > high || high > limit || limit < 1 || limit > 1<<30 {
			return fmt.Errorf("reactor: WithLimits(%d, %d, %d): must be 0 <= low <= high <= limit, 1 <= limit <= %d", low, high, limit, 1<<30)
		}
		o.low, o.high, o.cap = low, high, limit
		return nil
	})
}

// WithLinger sets how long a closing Conn waits for a peer that accepts none of its output. After
// that the Conn gives up with ErrStuck. The time must be from 1 ms to 24 h. The default is 30 s.
func WithLinger(d time.Duration) SocketOption {
	return socketOption(func(o *sockOptions) error {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("reactor: WithLinger(%v): must be 1ms … 24h", d)
		}
		o.linger = d
		return nil
	})
}

// WithNoDelay(false) turns Nagle's algorithm on. By default it is off (TCP_NODELAY is set).
func WithNoDelay(on bool) SocketOption {
	return socketOption(func(o *sockOptions) error { o.delay = !on; return nil })
}

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

// WithControl makes Listen, ListenPacket and Dial call f with each new descriptor, before it is
// bound or connected. f can set options for which this package has no function.
func WithControl(f func(fd int) error) SocketOption {
	return socketOption(func(o *sockOptions) error { o.control = f; return nil })
}
