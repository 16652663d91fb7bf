package inside

import (
	"time"

	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// A Loop is a picture of one loop. The collection takes several turns, so parts of the picture are
// from slightly different times.
type Loop struct {
	Time     time.Time        // the date at the end of the collection
	Began    timeout.Deadline // when the collection began, by the loop's clock
	Now      timeout.Deadline // when the collection ended
	Turns    int              // the number of turns that the collection took
	Draining bool

	Conns     []Conn // sorted by descriptor; Conns without a descriptor come last
	Listeners []Listener
	Packets   []Packet
	Watches   []Watch
	Tasks     []Task // sorted by age, the oldest first
	Timers    []Timers
}

// An ID identifies a Conn, a Listener or a Task of one loop. It is valid as long as the object
// lives.
type ID struct {
	FD  int32
	Gen uint32
}

// A State is a set of flags of a Conn.
type State uint16

const (
	Dialling      State = 1 << iota // not connected yet
	Opening                         // its Filter is not ready, for example during a TLS handshake
	Paused                          // Pause was called
	BackPressured                   // not read, because too much output waits
	Blocked                         // the kernel accepts no more output
	PeerEnded                       // the peer's FIN has been read
	WriteEnded                      // the output ends with a FIN, which may be sent already
	Closing                         // Close was called
	Broken                          // output has failed; input is still read
	Waiting                         // the next turn reads on, without an Event
)

// A Conn is one stream connection.
type Conn struct {
	ID      ID          // FD is -1 while there is no descriptor
	Peer    kernel.Addr // zero while dialling
	Dials   string      // the address that was passed to Dial; "" when connected
	Local   string      // the address of the Listener that accepted it; "" if it was dialled
	Handler string      // the type of its handler
	State   State
	Opened  timeout.Deadline // when the Conn was accepted or connected
	In, Out uint64           // bytes received and sent, as they are on the wire

	Buffered         int              // output that the kernel has not accepted
	Unsent           int              // output that the peer has not acknowledged; -1 if unknown
	Stuck            timeout.Deadline // since when the kernel accepts no output; 0 if it accepts
	Low, High, Limit int

	Idle    time.Duration    // the idle timeout; 0 if there is none
	Quiet   timeout.Deadline // when the idle timeout expires
	Read    timeout.Deadline // the deadlines of reads and writes; Never if not set
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

// A Describer is a Filter that can describe its state. Only the loop calls DescribeTLS.
type Describer interface{ DescribeTLS() *TLS }

// A Listener is a socket that accepts connections.
type Listener struct {
	ID        ID
	Addr      string
	Conns     int // open Conns that it has accepted
	MaxConns  int // 0: no limit
	Backlog   int // the length that was passed to Listen
	Waiting   int // connections in the backlog; -1 if unknown
	Paused    bool
	Full      bool // MaxConns connections are open
	Suspended bool // after the error Cause
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

// A Watch is the registration of a descriptor that a function of the program watches, or that Tasks
// wait for.
type Watch struct {
	ID      ID
	Kind    Kind
	Peer    kernel.Addr // the peer of a socket
	Want    poller.Interest
	Calls   string    // the name of the function that the Watch calls
	Waiters []uintptr // the Tasks that wait
	Objects int       // the number of objects of a Poll
}

// A Kind says to which kind of owner a Watch belongs.
type Kind uint8

const (
	ByCallback Kind = iota // Reactor.Watch
	ByTask                 // a socket of Tasks
	ByPoll                 // a Poll of Tasks
)

// A Reason says what a Task waits for.
type Reason uint8

const (
	Event Reason = iota // an Event of a descriptor
	Sleep
	Join
	Await
	Turn     // the next turn: the Task has not begun, or has yielded
	Released // nothing: the Task runs
)

// A Task is a coroutine.
type Task struct {
	ID        uintptr
	Func      string
	Reason    Reason
	Output    bool             // the Event that it waits for is Out
	Since     timeout.Deadline // when the wait began; it may be one turn too early
	Until     timeout.Deadline // the deadline of the wait; Never if there is none
	Joiners   []uintptr        // the first few of the Tasks that wait for its end
	Cancelled bool
}

// Timers are the armed timers that call one function.
type Timers struct {
	Func        string
	N           int
	First, Last timeout.Deadline
}

// A Slow is a callback that ran too long and so delayed the loop.
type Slow struct {
	Time  time.Time // when it ended
	Took  time.Duration
	FD    int
	Peer  kernel.Addr
	Stack string // the stack during the callback; "" if the callback ended before the stack was read
}

// A Line is a line of the loop's log with level Warn or above, or the end of a Conn by an error.
type Line struct {
	Time time.Time
	Text string      // the text of the log line; for a Conn, the address that was dialled
	Peer kernel.Addr // the peer of a Conn
	Err  error
}

// A Recent has the latest slow callbacks and log lines of a loop. In each list, the latest is last.
type Recent struct {
	Slow   []Slow
	Log    []Line
	Ends   []Line
	Slows  uint64 // the number of slow callbacks since New
	Failed uint64 // the number of Conns that have ended with an error since New
}

// An Action is something that an operator can make a loop do.
type Action uint8

const (
	Close  Action = iota // closes a Conn
	Abort                // aborts a Conn
	Pause                // pauses a Listener
	Resume               // resumes a Listener
)
