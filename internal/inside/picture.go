package inside

import (
	"time"

	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Loop is a picture of one loop. It is collected in several turns, so its parts show slightly
// different times.
type Loop struct {
	Time     time.Time        // the date at the end of the collection
	Began    timeout.Deadline // the start of the collection, by the loop's clock
	Now      timeout.Deadline // the end of the collection
	Turns    int              // the number of turns that the collection took
	Draining bool

	Conns     []Conn // in the order of descriptors; Conns without one come last
	Listeners []Listener
	Packets   []Packet
	Watches   []Watch
	Tasks     []Task // the oldest first
	Timers    []Timers
}

// An ID identifies a Conn, a Listener or a Task of one loop as long as that object lives.
type ID struct {
	FD  int32
	Gen uint32
}

// A State is a set of flags of a Conn.
type State uint16

const (
	Dialling      State = 1 << iota // not connected yet
	Opening                         // its Filter is not ready: a TLS handshake
	Paused                          // Pause was called
	BackPressured                   // not read, because too much output waits
	Blocked                         // the kernel accepts no more output
	PeerEnded                       // the peer's FIN has been read
	WriteEnded                      // a FIN follows the output, or was sent
	Closing                         // Close was called
	Broken                          // output has failed; input is still read
	Waiting                         // more input waits for the next turn
)

// A Conn is one stream connection.
type Conn struct {
	ID      ID          // FD -1 while there is no descriptor
	Peer    kernel.Addr // zero while dialling
	Dials   string      // the address given to Dial, while dialling
	Local   string      // the address of the Listener that accepted it; "": it was dialled
	Handler string      // the type of its handler
	State   State
	Opened  timeout.Deadline // accepted or connected
	In, Out uint64           // bytes on the wire

	Buffered         int              // output that the kernel has not accepted
	Unsent           int              // output that the peer has not acknowledged; -1: unknown
	Stuck            timeout.Deadline // since when the kernel has accepted nothing; 0: it accepts
	Low, High, Limit int

	Idle    time.Duration    // the idle timeout; 0: none
	Quiet   timeout.Deadline // when the idle timeout passes
	Read    timeout.Deadline // deadlines; Never: none
	Write   timeout.Deadline
	GiveUp  timeout.Deadline // when a closing Conn or a Dial gives up
	Failure error            // why output has failed
	TLS     *TLS             // nil without TLS
}

// A TLS is the state of a TLS connection.
type TLS struct {
	Handshaking                       bool
	Version, Cipher, ServerName, ALPN string
}

// A Describer is a Filter that can describe its state. The loop calls it.
type Describer interface{ DescribeTLS() *TLS }

// A Listener is a socket that accepts.
type Listener struct {
	ID        ID
	Addr      string
	Conns     int // open Conns that it has accepted
	MaxConns  int // 0: no limit
	Backlog   int // as Listen asked for
	Waiting   int // connections in the backlog; -1: not known
	Paused    bool
	Full      bool // MaxConns are open
	Suspended bool // after an error
	Cause     kernel.Errno
}

// A Packet is a datagram socket.
type Packet struct {
	ID        ID
	Addr      string
	Handler   string
	Queued    int // datagrams that wait to be sent
	Blocked   bool
	Suspended bool
}

// A Watch is a descriptor that user code watches, or that Tasks wait for.
type Watch struct {
	ID      ID
	Kind    Kind
	Peer    kernel.Addr // the peer of a socket
	Want    poller.Interest
	Calls   string    // the function of a Watch
	Waiters []uintptr // Tasks
	Objects int       // the number of objects of a Poll
}

// A Kind is the kind of owner that a Watch has.
type Kind uint8

const (
	ByCallback Kind = iota // Reactor.Watch
	ByTask                 // a socket of Tasks
	ByPoll                 // a Poll of Tasks
)

// A Reason is the kind of wait of a Task.
type Reason uint8

const (
	Event Reason = iota // an Event of a descriptor
	Sleep
	Join
	Await
	Turn     // it has not begun, or has yielded: it runs in the next turn
	Released // it runs
)

// A Task is a coroutine.
type Task struct {
	ID        uintptr
	Func      string
	Reason    Reason
	Output    bool             // it waits to send
	Since     timeout.Deadline // when the wait began, at most one turn early
	Until     timeout.Deadline // its deadline; Never: none
	Joiners   []uintptr        // Tasks that wait for its end: the first few
	Cancelled bool
}

// Timers are the armed timers that call one function.
type Timers struct {
	Func        string
	N           int
	First, Last timeout.Deadline
}

// A Slow is a callback that kept the loop.
type Slow struct {
	Time  time.Time // when it ended
	Took  time.Duration
	FD    int
	Peer  kernel.Addr
	Stack string // the stack while it ran; "" if it ended before that was read
}

// A Line is a line of the loop's log at level Warn or above, or the end of a Conn with an error.
type Line struct {
	Time time.Time
	Text string      // the text of the log line; for a Conn, the address that it dialled
	Peer kernel.Addr // the peer of a Conn
	Err  error
}

// A Recent has the latest slow callbacks and log lines of a loop. The latest is last.
type Recent struct {
	Slow   []Slow
	Log    []Line
	Ends   []Line
	Slows  uint64 // slow callbacks since New
	Failed uint64 // Conns that ended with an error since New
}

// An Action is an act of a loop that an operator can request.
type Action uint8

const (
	Close  Action = iota // a Conn
	Abort                // a Conn
	Pause                // a Listener
	Resume               // a Listener
)
