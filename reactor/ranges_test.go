package reactor

import (
	"fmt"
	"math"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// ranged has the options with one number. If the number is a duration, it is in nanoseconds.
var ranged = map[string]func(n int64) error{
	"WithPostLimit":     func(n int64) error { return WithPostLimit(int(n))(new(options)) },
	"WithReadSize":      func(n int64) error { return WithReadSize(int(n))(new(options)) },
	"WithSpin":          func(n int64) error { return WithSpin(time.Duration(n))(new(options)) },
	"WithSlowCallback":  func(n int64) error { return WithSlowCallback(time.Duration(n))(new(options)) },
	"WithLimits.high":   func(n int64) error { return setting("dial", WithLimits(0, int(n), int(n))) },
	"WithLinger":        func(n int64) error { return setting("dial", WithLinger(time.Duration(n))) },
	"WithBacklog":       func(n int64) error { return setting("listen", WithBacklog(int(n))) },
	"WithAccepts":       func(n int64) error { return setting("listen", WithAccepts(int(n))) },
	"WithMaxConns":      func(n int64) error { return setting("listen", WithMaxConns(int(n))) },
	"WithKeepAlive":     func(n int64) error { return setting("dial", WithKeepAlive(time.Duration(n))) },
	"WithUserTimeout":   func(n int64) error { return setting("dial", WithUserTimeout(time.Duration(n))) },
	"WithDialTimeout":   func(n int64) error { return setting("dial", WithDialTimeout(time.Duration(n))) },
	"WithFallbackDelay": func(n int64) error { return setting("dial", WithFallbackDelay(time.Duration(n))) },
	"WithKeepAliveConfig.Count": func(n int64) error {
		return setting("dial", WithKeepAliveConfig(net.KeepAliveConfig{Count: int(n)}))
	},
	"WithKeepAliveConfig.Idle": func(n int64) error {
		return setting("dial", WithKeepAliveConfig(net.KeepAliveConfig{Idle: time.Duration(n)}))
	},
	"HistogramBound": func(n int64) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("%v", v)
			}
		}()
		HistogramBound(int(n))
		return nil
	},
}

func setting(op string, opt any) error {
	_, err := newSockOptions(op, func(o *sockOptions) error {
		if op == "dial" {
			return opt.(DialOption).forDial(o)
		}
		return opt.(ListenOption).forListen(o)
	})
	return err
}

var ends = regexp.MustCompile(`must be (?:.*1 <= limit <= (\d+)|([^ ]+) … ([^ ,]+)$|([^ ]+) or more|(?:.*must be )?at most ([^ ,]+)$)`)

// number parses the end of a range, which is a number or a duration. If text is "", the result is
// `none`.
func number(t *testing.T, text string, none int64) int64 {
	t.Helper()
	if text == "" {
		return none
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(d)
}

// The text of an option's error has its range. The ends of that range are accepted. The values just
// outside of it are not.
func TestOptionsTakeTheEndsOfTheirRanges(t *testing.T) {
	for name, f := range ranged {
		t.Run(name, func(t *testing.T) {
			var err error
			// An int may have 32 bits. A duration always has 64.
			for _, n := range []int64{math.MaxInt, math.MinInt, math.MaxInt64} {
				if err = f(n); err != nil {
					break
				}
			}
			m := ends.FindStringSubmatch(fmt.Sprint(err))
			if m == nil {
				t.Fatalf("%v: names no range", err)
			}
			least, most := number(t, m[2]+m[4], math.MinInt), number(t, m[1]+m[3]+m[5], math.MaxInt)
			switch name {
			case "WithLimits.high":
				least = 1
			case "WithKeepAliveConfig.Idle":
				least, most = math.MinInt, int64(keepAliveMax)
			}
			for _, n := range []int64{least, most} {
				if err := f(n); err != nil {
					t.Errorf("%d: %v", n, err)
				}
			}
			if least != math.MinInt && f(least-1) == nil || most != math.MaxInt && f(most+1) == nil {
				t.Errorf("%d or %d is accepted", least-1, most+1)
			}
		})
	}
}

// The three numbers of WithLimits must be in order. Equal numbers are in order.
func TestLimitsAreInOrder(t *testing.T) {
	for limits, ok := range map[[3]int]bool{
		{0, 0, 1}: true, {1, 1, 1}: true, {1, 2, 3}: true, {0, 0, 0}: false, {-1, 0, 1}: false, {2, 1, 3}: false, {1, 3, 2}: false,
	} {
		if err := setting("dial", WithLimits(limits[0], limits[1], limits[2])); (err == nil) != ok {
			t.Errorf("%v: %v", limits, err)
		}
	}
}

// The values of a reactor without options are those that the comments of the options give as
// defaults.
func TestDefaultsAreAsDocumented(t *testing.T) {
	o, err := newSockOptions("dial", eachOption[DialOption](nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	got := []any{o.low, o.high, o.cap, o.linger, o.backlog, o.accepts, o.timeout, o.maxConns, o.fallback, o.reusePort, o.delay}
	want := []any{64 << 10, 256 << 10, 4 << 20, 30 * time.Second, 4096, 64, 30 * time.Second, 0, time.Duration(0), false, false}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
