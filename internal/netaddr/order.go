package netaddr

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

const (
	// dialMin is the shortest limit of one of several addresses, if that much time is left. Package
	// net has the same.
	dialMin = 2 * time.Second
	// FallbackDelay is how long a dial waits for one address before it tries the next one as well
	// (RFC 8305, section 5). Package net has the same.
	FallbackDelay = 300 * time.Millisecond
	// RacersMost is how many addresses a dial tries at the same time. To try a further one, it
	// gives up the oldest attempt.
	RacersMost = 8
)

// An Order decides which address a dial tries next, and when. It never waits itself, so packages
// reactor and netconn share it.
type Order struct {
	list  []Endpoint
	delay time.Duration
}

// NewOrder returns an Order of the addresses. With a delay of 0 or more, the families alternate
// (RFC 8305, section 4). When the delay has passed, the next address is tried at the same time; 0
// means FallbackDelay. With a negative delay the addresses are tried one after the other, as
// listed.
func NewOrder(list []Endpoint, delay time.Duration) Order {
	if delay == 0 {
		delay = FallbackDelay
	}
	if delay > 0 {
		list = alternate(list)
	}
	return Order{list, delay}
}

// alternate returns the addresses with the two families in turn. It begins with the first address.
// The order within a family stays.
func alternate(list []Endpoint) []Endpoint {
	if len(list) < 3 {
		return list
	}
	var same, other []Endpoint
	for _, e := range list {
		if e.Addr.Family == list[0].Addr.Family {
			same = append(same, e)
		} else {
			other = append(other, e)
		}
	}
	mixed := make([]Endpoint, 0, len(list))
	for len(same) > 0 && len(other) > 0 {
		mixed = append(mixed, same[0], other[0])
		same, other = same[1:], other[1:]
	}
	return append(append(mixed, same...), other...)
}

// Next returns the next address and its limit. ok is false if there is none. left is the time that
// the whole dial has left. If an address has to fail before the next one is tried, its limit is a
// part of left.
func (o *Order) Next(left time.Duration) (e Endpoint, limit time.Duration, ok bool) {
	if len(o.list) == 0 {
		return e, 0, false
	}
	if n := time.Duration(len(o.list)); n > 1 && o.delay < 0 {
		left = min(left, max(left/n, dialMin))
	}
	e, o.list = o.list[0], o.list[1:]
	return e, left, true
}

// Delay returns how long to wait for the present address before the next one is tried at the same
// time. ok is false if the present address has to fail first, or is the last one.
func (o *Order) Delay() (d time.Duration, ok bool) { return o.delay, o.delay >= 0 && len(o.list) > 0 }

// SelfConnect reports whether a TCP socket has connected to itself. TCP permits that if no program
// listens and the system has chosen the same port for the dial.
func (n Network) SelfConnect(self, peer kernel.Addr) bool { return n.TCP() && self == peer }
