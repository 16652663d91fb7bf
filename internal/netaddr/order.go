package netaddr

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// dialMin is what one of several addresses gets at least of the time that is left, as with package
// net.
const dialMin = 2 * time.Second

// An Order says which address a dial tries next and how long it may take. It is the part of a dial
// that does not wait: the reactor asks it in a turn, netconn between two calls that wait.
type Order struct{ list []kernel.Addr }

// NewOrder tries the addresses in their order.
func NewOrder(list []kernel.Addr) Order { return Order{list} }

// Next takes the next address; ok is false if there is none. left is the time that the whole dial
// has left, and limit this address's share of it.
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

// SelfConnect tells whether a TCP socket has connected to itself, as TCP lets it when its own port
// is the one it asks for: nobody listens there.
func (n Network) SelfConnect(self, peer kernel.Addr) bool { return n.TCP() && self == peer }
