package websocket

import (
	"errors"
	"fmt"

	"github.com/ureactor/ureactor/reactor"
)

// A SlowPolicy decides what a Hub does with a slow member. A member is slow if more output than the
// high-water mark is buffered for it, or if a message of SendPart is incomplete.
type SlowPolicy uint8

const (
	DropMessages SlowPolicy = iota // it misses the messages that are sent meanwhile
	CloseSlow                      // its connection is closed with TryAgainLater
	WaitForSlow                    // it gets them later; the Hub stores up to HubLimit bytes
)

func (p SlowPolicy) String() string {
	if p > WaitForSlow {
		return fmt.Sprintf("SlowPolicy(%d)", uint8(p))
	}
	return [...]string{"drop messages", "close", "wait"}[p]
}

const (
	// HubLimit is how many bytes of Frames a Hub stores, for members that it has not reached yet and
	// for members that it waits for.
	HubLimit = 4 << 20

	membersPerTurn = 512     // members that one turn of the loop visits
	hubBytes       = 1 << 20 // bytes that one turn sends to them
)

// A Hub sends Frames to its members, which are connections of one loop. Each member gets the Frames
// in their order. In one turn of the loop a Hub sends to only some of its members. So a Frame for
// many members does not block the loop. Only code on the loop may use a Hub. With a Group, make a
// Hub for each loop, and send with Group.PostAll.
type Hub struct {
	//	field   set by         cleared by        holds
	//	todo    Send           turn              number of members to visit; the one at pos is first
	//	frames  Send           tidy              Frames that some members have not got yet
	//	behind  visit          visit, remove     members that a Hub with WaitForSlow waits for
	//	holes   remove         tidy              number of members without a Conn

	r       *reactor.Reactor
	slow    SlowPolicy
	members []member
	index   map[*Conn]int
	holes   int
	pos     int
	todo    int
	first   uint64 // the number of frames[0]
	frames  []*Frame
	bytes   int
	behind  map[*Conn]bool
	timer   *reactor.Timer
	armed   bool
}

// A member is a Conn and the number of its next Frame.
type member struct {
	c    *Conn
	next uint64
}

// NewHub makes a Hub for connections of the loop.
func NewHub(r *reactor.Reactor, slow SlowPolicy) *Hub {
	if r == nil || slow > WaitForSlow {
		panic(fmt.Sprintf("websocket: NewHub(%p, %v): needs a Reactor and a SlowPolicy", r, slow))
	}
	return &Hub{r: r, slow: slow, index: map[*Conn]int{}, behind: map[*Conn]bool{}}
}

// Len returns the number of members.
func (h *Hub) Len() int { return len(h.index) }

// Buffered returns how many bytes of Frames the Hub stores.
func (h *Hub) Buffered() int { return h.bytes }

// Join makes c a member, which gets the Frames that are sent from now on. Join panics if c belongs
// to another loop. A second call does nothing.
func (h *Hub) Join(c *Conn) {
	if c.Reactor() != h.r {
		panic("websocket: Join of a Conn of another loop: each loop of a Group needs a Hub of its own")
	}
	if _, is := h.index[c]; is || c.is(ended) {
		return
	}
	h.index[c] = len(h.members)
	h.members = append(h.members, member{c, h.end()})
}

// Leave ends the membership of c. Call it in Closed at the latest. A second call does nothing.
func (h *Hub) Leave(c *Conn) {
	if i, is := h.index[c]; is {
		h.remove(i)
		h.tidy()
	}
}

// end returns the number of the next Frame.
func (h *Hub) end() uint64 { return h.first + uint64(len(h.frames)) }

// Send sends f to all members. If the Hub already stores more than HubLimit bytes, Send returns
// reactor.ErrBuffered, and no member gets f.
func (h *Hub) Send(f *Frame) error {
	if f == nil {
		panic("websocket: Send of a nil Frame: make one with Server.NewFrame")
	}
	if h.bytes > 0 && h.bytes+len(f.whole) > HubLimit {
		return fmt.Errorf("websocket: Hub: %d bytes wait for its members: %w", h.bytes, reactor.ErrBuffered)
	}
	h.frames = append(h.frames, f)
	h.bytes += len(f.whole)
	h.todo = len(h.members)
	if !h.armed {
		h.turn()
	}
	return nil
}

// turn visits the next members. The other members wait for the next turn of the loop.
func (h *Hub) turn() {
	h.armed = false
	budget := hubBytes
	for n := membersPerTurn; h.todo > 0 && n > 0 && budget > 0; n-- {
		if h.pos >= len(h.members) {
			h.pos = 0
		}
		budget -= h.visit(h.pos)
		h.pos++
		h.todo--
	}
	if h.todo > 0 {
		h.arm()
		return
	}
	h.tidy()
}

func (h *Hub) arm() {
	h.armed = true
	if h.timer == nil {
		h.timer = h.r.After(0, h.turn)
		return
	}
	h.timer.Reset(0)
}

// visit sends a member the Frames that it has not got yet. It returns how many bytes it has sent.
func (h *Hub) visit(i int) (sent int) {
	m := &h.members[i]
	c := m.c
	if c == nil {
		return 0
	}
	for ; m.next < h.end(); m.next++ {
		f := h.frames[m.next-h.first]
		err := reactor.ErrBuffered
		if !c.Throttled() {
			err = c.SendFrame(f)
		}
		switch {
		case err == nil:
			sent += len(f.whole)
		case !errors.Is(err, reactor.ErrBuffered) && !errors.Is(err, ErrParts):
			h.remove(i) // the member is closed
			return sent
		case h.slow == DropMessages:
		case h.slow == CloseSlow:
			c.closeWith(violation(TryAgainLater, "too slow"))
			h.remove(i)
			return sent
		case !c.Throttled() && !c.is(inParts): // f is above the limit, so Drained would not be called
			c.closeWith(violation(TryAgainLater, "too slow"))
			h.remove(i)
			return sent
		default:
			h.behind[c] = true
			part := c.d.ensure()
			part.hubs = append(part.hubs, h)
			return sent
		}
	}
	delete(h.behind, c)
	return sent
}

// resumeHubs continues with the Hubs that wait for the Conn.
func (c *Conn) resumeHubs() {
	if part := c.d.part; part != nil && part.hubs != nil {
		hubs := part.hubs
		part.hubs = nil
		for _, h := range hubs {
			h.drained(c)
		}
	}
}

// drained continues with a member for which the Hub has waited.
func (h *Hub) drained(c *Conn) {
	if i, is := h.index[c]; is && h.behind[c] {
		delete(h.behind, c)
		h.visit(i)
		h.tidy()
	}
}

func (h *Hub) remove(i int) {
	c := h.members[i].c
	delete(h.index, c)
	delete(h.behind, c)
	h.members[i].c = nil
	h.holes++
}

// tidy drops the Frames that all members have got. If the list has many holes, tidy also removes
// the holes.
func (h *Hub) tidy() {
	if h.todo > 0 {
		return
	}
	from := h.end()
	for c := range h.behind {
		from = min(from, h.members[h.index[c]].next)
	}
	for ; h.first < from; h.first++ {
		h.bytes -= len(h.frames[0].whole)
		h.frames[0] = nil
		h.frames = h.frames[1:]
	}
	if len(h.frames) == 0 {
		h.frames = nil
	}
	if h.holes <= len(h.members)/2 {
		return
	}
	kept := h.members[:0]
	for _, m := range h.members {
		if m.c != nil {
			h.index[m.c] = len(kept)
			kept = append(kept, m)
		}
	}
	clear(h.members[len(kept):])
	h.members, h.holes, h.pos = kept, 0, 0
}
