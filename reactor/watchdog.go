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

// A watchdog logs slow callbacks. While such a callback runs, a goroutine of the watchdog logs it.
// When it has ended, the loop logs it too.
type watchdog struct {
	r    *Reactor
	slow time.Duration
	log  func(inside.Slow) // logSlow, or a function of a test
	stop chan struct{}
	gone chan struct{}
	busy bool // the loop is in a callback; used by the loop only

	looked time.Time // when stacks were read last; used by the watchdog's goroutine only

	mu    sync.Mutex // guards the fields below, which both goroutines use
	since time.Time  // when the callback began; zero between callbacks
	fd    int        // the descriptor of the Conn, Listener or Watch; -1 if there is none
	named bool       // logged while the callback still runs
	stack string     // the stack of the loop during the callback, or "" if it was not read
}

// startWatchdog starts the watchdog. It uses the host's clock on a simulated kernel too, because it
// measures real time.
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

// enter is called before a callback for a descriptor (-1 if there is none). It returns whether
// leave must be called after it. A callback inside another callback counts as a part of that one.
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

// look logs a callback that is slow and still runs, once, with the stacks of all goroutines. It
// reads the loop's stack at most once a second.
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
		d.r.log.Warn("a callback blocks the loop",
			append(f, zaplog.Duration("for", time.Since(since)), zaplog.Int("fd", fd), d.peer(fd))...)
	}
}

func allStacks() zapcore.Field {
	stacks := make([]byte, 64<<10)
	return zaplog.ByteString("stacks", stacks[:runtime.Stack(stacks, true)])
}

// peer returns the address of the connection's peer. If the descriptor is no connection, or the
// callback has closed it, there is no field.
func (d *watchdog) peer(fd int) zapcore.Field {
	a, e := d.r.k.PeerAddr(fd)
	if fd < 0 || e != 0 {
		return zaplog.Skip()
	}
	return zaplog.Stringer("peer", a)
}
