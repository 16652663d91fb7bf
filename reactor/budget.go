package reactor

// The limits of one turn. If there is more work, it waits for the next turn, which then does not
// sleep. So even a very long list does not delay Events for long. batchSize, readSize, packetBatch
// and WithAccepts limit what one descriptor or one system call can add.
const (
	timersPerTurn  = 256       // calls of due timers
	repairsPerTurn = 4096      // timers that were moved to later and are repaired in the queue
	postsPerTurn   = 128       // functions and PostSends
	tasksPerTurn   = 256       // woken tasks that continue
	joinsPerTurn   = 256       // tasks that are woken when another task ends
	dialsPerTurn   = 64        // connects that Dials begin
	closedsPerTurn = 256       // calls of Closed and Lost
	seenPerTurn    = 500       // Conns and other objects that are added to a picture of the loop
	endsPerTurn    = 500       // Conns that a drain closes or an abort ends, and as many Tasks
	acceptsPerTurn = 256       // connections that all Listeners accept
	packetsPerTurn = 1024      // datagrams that all PacketConns receive
	flushesPerTurn = 256       // datagrams that one PacketConn sends
	readsPerTurn   = batchSize // Conns that the turn before has left to read
	bytesPerTurn   = 4 << 20   // received by Conns with Events, and as much by Conns left to read
)

// budget has what is left of this turn's limits, for work that has no list of its own.
type budget struct{ closeds, accepts, packets, bytes int }

var turnBudget = budget{closedsPerTurn, acceptsPerTurn, packetsPerTurn, bytesPerTurn}
