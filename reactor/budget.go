package reactor

// The limits of one turn. Work beyond them waits for the next turn, which then does not sleep. So
// even a very long list does not keep the loop from its Events. batchSize, readSize, packetBatch
// and WithAccepts bound what one descriptor or system call may add.
const (
	timersPerTurn  = 256       // calls of due timers
	repairsPerTurn = 4096      // timers that were moved to later and have reached the top of the queue
	postsPerTurn   = 128       // functions and PostSends
	tasksPerTurn   = 256       // woken tasks that run on
	joinsPerTurn   = 256       // tasks that the end of one task wakes at once
	dialsPerTurn   = 64        // connects that are begun
	closedsPerTurn = 256       // Closed and Lost
	seenPerTurn    = 500       // Conns and all else that a picture of the loop shows
	endsPerTurn    = 500       // Conns that a drain closes or an abort ends; as many Tasks
	acceptsPerTurn = 256       // by all Listeners
	packetsPerTurn = 1024      // datagrams received by all PacketConns
	flushesPerTurn = 256       // datagrams sent by one PacketConn
	readsPerTurn   = batchSize // Conns that an earlier turn has left to read
	bytesPerTurn   = 4 << 20   // received by Conns with Events; as many by Conns left to read
)

// budget holds the rest of this turn's limits, for work that has no list of its own.
type budget struct{ closeds, accepts, packets, bytes int }

var turnBudget = budget{closedsPerTurn, acceptsPerTurn, packetsPerTurn, bytesPerTurn}
