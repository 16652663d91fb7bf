package reactor

import (
	"fmt"
	"time"
)

// WithSpin makes the loop poll for up to d before it sleeps, 1ns … 1ms. If an Event or Post comes
// while the loop polls, the loop handles it without the delay of a wake-up. The price is processor
// time: up to d for each sleep. So WithSpin is for peers that answer at once, and for a machine
// with a core to spare. It has an effect only on Linux, and not on a simulated host. Load counts
// the polling as idle time.
func WithSpin(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 || d > spinMax {
			return fmt.Errorf("reactor: WithSpin(%v): must be %v … %v", d, time.Nanosecond, spinMax)
		}
		o.spin = d
		return nil
	}
}

// spinMax limits WithSpin, because other goroutines wait for the processor of a loop that polls.
const spinMax = time.Millisecond

// WithReadSize is how many bytes the loop reads of a Conn in a turn, 65,536 … 1<<20. It is 65,536
// if not set. Data of a task also returns at most this many bytes. A larger size makes bulk streams
// cheaper, and other connections may wait longer. In one turn the loop reads about 4 MiB of all
// Conns, whatever this size is. The loop has one buffer of this size.
func WithReadSize(n int) Option {
	return func(o *options) error {
		if n < readSize || n > 1<<20 {
			return fmt.Errorf("reactor: WithReadSize(%d): must be %d … %d", n, readSize, 1<<20)
		}
		o.readSize = n
		return nil
	}
}
