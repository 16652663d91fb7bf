package reactor

import "github.com/ureactor/ureactor/internal/kernel"

// Stats has counts since New, up to the end of the last turn.
type Stats struct {
	Turns  uint64 // turns of the loop
	Events uint64 // Events that were delivered
	Timers uint64 // timers that have expired
	Posts  uint64 // posted functions and PostSends that were run

	Accepted   uint64
	Refused    uint64 // errors of accept after which a Listener paused
	NoFiles    uint64 // those of Refused because the process or the system had no free descriptor
	NoMemory   uint64 // those of Refused because the system had no free memory
	Full       uint64 // how often WithMaxConns has paused a Listener
	Dialled    uint64 // Dials that have connected
	Reads      uint64 // calls of Data
	Sends      uint64 // system calls that have sent on Conns
	BytesIn    uint64
	BytesOut   uint64
	PacketsIn  uint64
	PacketsOut uint64
	// Datagrams that the kernel has refused to send, and received ones that did not fit in the
	// buffer.
	PacketsLost uint64
	Undelivered uint64 // bytes that Send has accepted and that were dropped, for example by Abort
	TasksEnded  uint64
	Panics      uint64 // panics for which the function of WithPanicHandler was called

	SendsRefused uint64 // sends that returned ErrBuffered
	PostsRefused uint64 // posts that returned ErrFull

	Conns     int // open Conns, including those that are dialled
	Listeners int
	Packets   int // open PacketConns
	Tasks     int // Tasks that have not ended
	Timed     int // armed timers

	Posted    int // functions and PostSends that wait for a turn
	Buffered  int // bytes that Conns and PacketConns have accepted and the kernel has not
	Throttled int // Conns under back-pressure, which are not read
	Blocked   int // Conns with output that the kernel has refused
	Paused    int // Listeners that accept nothing now: paused, full, or suspended after an error
	Watched   int // descriptors that the loop uses
}

// Stats returns the Stats of the loop. Any goroutine may call it, and the loop never waits for it.
func (r *Reactor) Stats() Stats {
	f := r.board.get()
	s, o := f.count, &f.often
	s.Turns, s.Events, s.Timers, s.Posts = o.turns, o.events, o.timers, o.posts
	s.Reads, s.Sends, s.BytesIn, s.BytesOut = o.reads, o.sends, o.bytesIn, o.bytesOut
	s.PacketsIn, s.PacketsOut = o.packetsIn, o.packetsOut
	s.Conns, s.Listeners, s.Packets, s.Tasks = o.conns, o.listeners, o.packets, o.tasks
	s.Timed, s.Posted, s.Buffered, s.Blocked, s.Watched = o.timed, o.posted, o.buffered, o.blocked, o.watched
	s.Posted += int(r.queued.Load())
	s.PostsRefused = r.postsRefused.Load()
	return s
}

// refused counts an error of accept after which a Listener pauses.
func (r *Reactor) refused(e kernel.Errno) {
	r.rare().Refused++
	switch e {
	case kernel.EMFILE, kernel.ENFILE:
		r.rare().NoFiles++
	case kernel.ENOMEM, kernel.ENOBUFS:
		r.rare().NoMemory++
	}
}

// rare returns the counts that publish does not copy in every turn, and marks them as changed. So
// it must be called for each change of such a count.
func (r *Reactor) rare() *Stats {
	r.changed = true
	return &r.count
}

// publish copies the figures to board, for other goroutines. It runs in every turn. So it copies
// the rare counts only if they have changed.
func (r *Reactor) publish() {
	slot := r.board.own
	if !slot.taken.CompareAndSwap(false, true) {
		slot = r.board.turnOver()
		r.changed = true
	}
	o := &r.often
	o.conns, o.listeners, o.packets, o.tasks = r.conns, r.listeners, r.packets, r.tasks.n
	o.timed, o.posted, o.buffered = r.timers.Len(), r.posting.len(), r.outputs.bytes
	o.blocked, o.watched = r.outputs.blocked.Len(), r.table.Len()
	if r.changed {
		r.changed = false
		slot.f = r.figures
	} else {
		slot.f.often = r.often
	}
	r.checkFigures(&slot.f)
	slot.taken.Store(false)
}

func (s *Stats) add(t Stats) {
	s.Turns += t.Turns
	s.Events += t.Events
	s.Timers += t.Timers
	s.Posts += t.Posts
	s.Accepted += t.Accepted
	s.Refused += t.Refused
	s.Dialled += t.Dialled
	s.Reads += t.Reads
	s.Sends += t.Sends
	s.BytesIn += t.BytesIn
	s.BytesOut += t.BytesOut
	s.PacketsIn += t.PacketsIn
	s.PacketsOut += t.PacketsOut
	s.PacketsLost += t.PacketsLost
	s.Undelivered += t.Undelivered
	s.TasksEnded += t.TasksEnded
	s.Panics += t.Panics
	s.Conns += t.Conns
	s.Listeners += t.Listeners
	s.Packets += t.Packets
	s.Tasks += t.Tasks
	s.Timed += t.Timed
	s.NoFiles += t.NoFiles
	s.NoMemory += t.NoMemory
	s.Full += t.Full
	s.SendsRefused += t.SendsRefused
	s.PostsRefused += t.PostsRefused
	s.Posted += t.Posted
	s.Buffered += t.Buffered
	s.Throttled += t.Throttled
	s.Blocked += t.Blocked
	s.Paused += t.Paused
	s.Watched += t.Watched
}

// Files returns how many descriptors the process has open, and how many it may have. On Linux and
// on simulated hosts the first number is known. On other systems it is -1. If the limit is unknown,
// the second one is math.MaxInt. Any goroutine may call Files. It makes a few system calls and does
// not need the loop.
func (r *Reactor) Files() (open, allowed int) { return kernel.Files(r.k), kernel.MaxFiles(r.k) }
