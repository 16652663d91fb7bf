package reactor

// Stats are counts since New, as of the last turn that has ended.
type Stats struct {
	Turns  uint64 // wake-ups of the loop
	Events uint64 // that were delivered
	Timers uint64 // that fired
	Posts  uint64 // functions and PostSends that ran

	Accepted    uint64
	Refused     uint64 // accept failures after which a listener paused
	Dialled     uint64 // connects that succeeded
	Reads       uint64 // calls of Data
	Sends       uint64 // system calls that sent on Conns
	BytesIn     uint64
	BytesOut    uint64
	PacketsIn   uint64
	PacketsOut  uint64
	PacketsLost uint64 // datagrams that the kernel refused to send, or that had come and did not fit
	Undelivered uint64 // bytes accepted by Send and dropped: by Abort, errors, deadlines
	TasksEnded  uint64
	Panics      uint64 // that WithPanicHandler's function was given

	Conns     int // open now, those being dialled included
	Listeners int
	Packets   int // PacketConns
	Tasks     int // that have not ended
	Timed     int // armed timers
}

// Stats may be called from any goroutine.
func (r *Reactor) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

func (r *Reactor) publish() {
	r.count.Conns, r.count.Listeners, r.count.Packets = r.conns, r.listeners, r.packets
	r.count.Tasks, r.count.Timed = r.tasks.n, r.timers.Len()
	r.mu.Lock()
	r.stats = r.count
	r.mu.Unlock()
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
}
