package netaddr

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// dialMin is the shortest limit of one of several addresses, if that much time is left. Package net
// has the same.
const dialMin = 2 * time.Second

// An Order decides which address a dial tries next, and for how long. It never waits, so the
// reactor and netconn share it.
type Order struct{ list []kernel.Addr }

// NewOrder returns an Order that tries the addresses as they are listed.
func NewOrder(list []kernel.Addr) Order { return Order{list} }

// Next returns the next address and its limit. ok is false if there is none. left is the time that
// the whole dial has left, and limit is a part of it.
func (o *Order) Next(left time.Duration) (a kernel.Addr, limit time.Duration, ok bool) {
	if len(o.list) == 0 {
		return a, 0, false
	}
	if n := time.Duration(len(o.list)); n > 1 {
		left = min(left, max(left/n, dialMin))
	}
	a, o.list = o.list[0], o.list[1:]
	return a, left, true
}

// SelfConnect reports whether a TCP socket has connected to itself. TCP permits that if no program
// listens and the system has chosen the same port for the dial.
func (n Network) SelfConnect(self, peer kernel.Addr) bool { return n.TCP() && self == peer }
