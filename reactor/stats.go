package reactor

import "github.com/ureactor/ureactor/internal/kernel"

// Stats are counts since New, as of the end of the latest turn.
type Stats struct {
	Turns  uint64 // wake-ups of the loop
	Events uint64 // that were delivered
	Timers uint64 // that fired
	Posts  uint64 // functions and PostSends that ran

	Accepted   uint64
	Refused    uint64 // accept failures after which a listener paused
	NoFiles    uint64 // part of Refused: the process or the system has no descriptor left
	NoMemory   uint64 // part of Refused: the system has no memory left
	Full       uint64 // times that WithMaxConns has paused a listener
	Dialled    uint64 // connects that succeeded
	Reads      uint64 // calls of Data
	Sends      uint64 // system calls that sent on Conns
	BytesIn    uint64
	BytesOut   uint64
	PacketsIn  uint64
	PacketsOut uint64
	// datagrams that the kernel refused to send, or that did not fit when they were received
	PacketsLost uint64
	Undelivered uint64 // bytes accepted by Send and dropped: by Abort, errors, deadlines
	TasksEnded  uint64
	Panics      uint64 // panics that WithPanicHandler's function was called for

	SendsRefused uint64 // with ErrBuffered, because of the Conn's or PacketConn's limit
	PostsRefused uint64 // with ErrFull

	Conns     int // open now, those being dialled included
	Listeners int
	Packets   int // PacketConns
	Tasks     int // that have not ended
	Timed     int // armed timers

	Posted    int // functions and PostSends that wait
	Buffered  int // bytes that Conns and PacketConns have accepted and the kernel has not
	Throttled int // Conns under back-pressure: not read until their output has fallen
	Blocked   int // Conns with output that the kernel has refused
	Paused    int // Listeners that accept nothing now: paused, full, or suspended after an error
	Watched   int // descriptors that the loop has
}

// Stats may be called from any goroutine. It never makes the loop wait.
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

// refused counts a failure of accept after which a Listener pauses.
func (r *Reactor) refused(e kernel.Errno) {
	r.rare().Refused++
	switch e {
	case kernel.EMFILE, kernel.ENFILE:
		r.rare().NoFiles++
	case kernel.ENOMEM, kernel.ENOBUFS:
		r.rare().NoMemory++
	}
}

// rare returns the counts that publish does not copy in every turn. It marks them as changed, so
// code calls it only to change one of these counts.
func (r *Reactor) rare() *Stats {
	r.changed = true
	return &r.count
}

// publish copies the figures to board for other goroutines. It runs in every turn, so it copies the
// rare counts only after a change.
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

// Files returns how many descriptors the process has open, and how many it may have. open is known
// on Linux and on simulated hosts, and -1 on other systems. If the limit is not known, allowed is
// math.MaxInt. Any goroutine may call it. It makes a few system calls and does not involve the
// loop.
func (r *Reactor) Files() (open, allowed int) { return kernel.Files(r.k), kernel.MaxFiles(r.k) }
