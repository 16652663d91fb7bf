package reactor

import (
	"runtime"
	"sync"
	"time"
	"unsafe"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/zaplog"
)

// A watchdog logs slow callbacks. The loop logs a slow callback when it has ended. While it still
// runs, a goroutine of the watchdog logs it.
type watchdog struct {
	r    *Reactor
	slow time.Duration
	log  func(inside.Slow) // logSlow
	stop chan struct{}
	gone chan struct{}
	busy bool // the loop is in a callback; only the loop uses it

	looked time.Time // when the stacks were last read; only the goroutine uses it

	mu    sync.Mutex // guards the fields below, which the loop passes to the goroutine
	since time.Time  // zero between callbacks
	fd    int        // the descriptor of the Conn, Listener or Watch; -1 for timers and posts
	named bool       // logged while still running
	stack string     // the loop's stack, read while the callback ran; "" if it has not been read
}

// startWatchdog uses the host's clock even on a simulated kernel, because it measures real time.
func (r *Reactor) startWatchdog() {
	d := &watchdog{r: r, slow: r.opt.slow, stop: make(chan struct{}), gone: make(chan struct{})}
	d.log = d.logSlow
	r.watchdog = d
	go d.run()
}

func (r *Reactor) stopWatchdog() {
	if r.watchdog != nil {
		close(r.watchdog.stop)
		<-r.watchdog.gone
	}
}

// enter begins a callback for a descriptor (-1: none), and reports whether leave must be called. A
// callback inside another one counts as a part of it.
func (d *watchdog) enter(fd int32) bool {
	if d.busy {
		return false
	}
	d.busy = true
	d.mu.Lock()
	defer d.mu.Unlock()
	d.since, d.fd, d.named, d.stack = time.Now(), int(fd), false, ""
	return true
}

func (d *watchdog) leave() {
	d.busy = false
	d.mu.Lock()
	took, fd, stack := time.Since(d.since), d.fd, d.stack
	d.since, d.stack = time.Time{}, ""
	d.mu.Unlock()
	if took < d.slow {
		return
	}
	d.log(inside.Slow{Took: took, FD: fd, Stack: stack})
}

// logSlow logs a slow callback that has ended.
func (d *watchdog) logSlow(s inside.Slow) {
	s.Time = d.r.Time()
	if a, e := d.r.k.PeerAddr(s.FD); s.FD >= 0 && e == 0 {
		s.Peer = a
	}
	d.r.recent.addSlow(s)
	if f, ok := d.r.logLimits.slow.Line(nil); ok {
		d.r.log.Warn("slow callback", append(f, zaplog.Duration("took", s.Took), zaplog.Int("fd", s.FD), d.peer(s.FD))...)
	}
}

func (d *watchdog) run() {
	defer close(d.gone)
	tick := time.NewTicker(d.slow)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
			d.look()
		}
	}
}

// look logs a callback that is still running, once, with the stacks of all goroutines. It reads the
// stacks at most once a second.
func (d *watchdog) look() {
	d.mu.Lock()
	stuck := !d.since.IsZero() && !d.named && time.Since(d.since) >= d.slow
	fd, since := d.fd, d.since
	d.named = d.named || stuck
	d.mu.Unlock()
	if !stuck {
		return
	}
	stack := ""
	if now := time.Now(); inside.LoopStack != nil && now.Sub(d.looked) >= time.Second {
		d.looked = now
		stack = inside.LoopStack(uintptr(unsafe.Pointer(d.r)), since)
	}
	d.mu.Lock()
	if d.since == since { // the same callback still runs
		d.stack = stack
	}
	d.mu.Unlock()
	if f, ok := d.r.logLimits.stuck.Line(allStacks); ok {
		d.r.log.Warn("a callback keeps the loop",
			append(f, zaplog.Duration("for", time.Since(since)), zaplog.Int("fd", fd), d.peer(fd))...)
	}
}

func allStacks() zapcore.Field {
	stacks := make([]byte, 64<<10)
	return zaplog.ByteString("stacks", stacks[:runtime.Stack(stacks, true)])
}

// peer returns the connection's address, if the descriptor is a connection and the callback has not
// closed it.
func (d *watchdog) peer(fd int) zapcore.Field {
	a, e := d.r.k.PeerAddr(fd)
	if fd < 0 || e != 0 {
		return zaplog.Skip()
	}
	return zaplog.Stringer("peer", a)
}
