package netaddr

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

const (
	// dialMin limits how short the time of one address can be, if a dial tries several, one after the
	// other. Package net has the same limit.
	dialMin = 2 * time.Second
	// FallbackDelay is how long a dial waits for one address before it also tries the next one (RFC
	// 8305, section 5). Package net has the same delay.
	FallbackDelay = 300 * time.Millisecond
	// RacersMost is how many addresses a dial tries at the same time. If the dial needs another one,
	// it gives up the oldest attempt.
	RacersMost = 8
)

// An Order decides which address a dial tries next, and when. It does not wait itself, so packages
// reactor and netconn can share it.
type Order struct {
	list  []Endpoint
	delay time.Duration
}

// NewOrder returns an Order of the addresses. If the delay is 0 or more, the families alternate
// (RFC 8305, section 4). When the delay has passed, the dial tries the next address at the same
// time. A delay of 0 means FallbackDelay. If the delay is negative, the dial tries the addresses
// one after the other, in the order of list.
func NewOrder(list []Endpoint, delay time.Duration) Order {
	if delay == 0 {
		delay = FallbackDelay
	}
	if delay > 0 {
		list = alternate(list)
	}
	return Order{list, delay}
}

// alternate returns the addresses so that the two families alternate. The first address stays
// first, and the order within each family stays the same.
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

// Next returns the next address, and the limit for its attempt. ok is false if no address is left.
// `left` is the time that remains for the whole dial. If this address must fail before the next one
// is tried, its limit is only a part of it.
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

// Delay returns how long the dial waits for the present address before it also tries the next one.
// ok is false if there is no next address, or if the present one must fail first.
func (o *Order) Delay() (d time.Duration, ok bool) { return o.delay, o.delay >= 0 && len(o.list) > 0 }

// SelfConnect reports whether a TCP socket is connected to itself. TCP allows such a connection if
// nobody listens at the address and the system chooses the same port for the dialling socket.
func (n Network) SelfConnect(self, peer kernel.Addr) bool { return n.TCP() && self == peer }
