package reactor

import (
	"fmt"
	"time"
)

// WithSpin makes the loop poll for up to d before it sleeps, from 1 ns to 1 ms. If an Event or a
// Post comes while the loop polls, the delay of a wake-up is saved. The price is processor time, up
// to d for each sleep. So WithSpin is for peers that answer at once, and for a machine with a core
// to spare. It has an effect only on Linux, and not on a simulated host. In a Load, polling counts
// as idle time.
func WithSpin(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 || d > spinMax {
			return fmt.Errorf("reactor: WithSpin(%v): must be %v … %v", d, time.Nanosecond, spinMax)
		}
		o.spin = d
		return nil
	}
}

// spinMax limits WithSpin, because a loop that polls occupies a processor that other goroutines
// need.
const spinMax = time.Millisecond

// WithReadSize sets how many bytes the loop reads from one Conn in a turn, from 65,536 to 1<<20.
// The default is 131,072. Data of a task returns at most as many. With a larger size bulk streams
// are cheaper, and other connections may wait longer. The size does not change that the loop reads
// about 4 MiB from all Conns in a turn. The loop has one buffer of this size.
func WithReadSize(n int) Option {
	return func(o *options) error {
		if n < readLeast || n > 1<<20 {
			return fmt.Errorf("reactor: WithReadSize(%d): must be %d … %d", n, readLeast, 1<<20)
		}
		o.readSize = n
		return nil
	}
}
