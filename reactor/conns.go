package reactor

import (
	"iter"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// Conns iterates over the connected Conns of the loop, in the order of their descriptors. It is
// meant for broadcasts and administration. Conns that are closing are included. The body of the
// range statement may close any Conn, and in a Task it may wait. A Conn that opens meanwhile may be
// missing.
//
// Only the loop may call Conns. A callback that iterates over many Conns delays all others. A Task
// can yield between two Conns, with Sleep(0).
func (r *Reactor) Conns() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for fd, done := 0, false; !done; {
			var c *Conn
			fd, done = r.table.Some(fd, func(w *Watch) bool {
				if found, ok := w.sink.(*Conn); ok && !found.is(dialling) {
					c = found
				}
				return c == nil
			})
			if c != nil && !yield(c) {
				return
			}
		}
	}
}

// A peerAddr is an Addr in 40 bytes instead of 56, because each Conn has one.
type peerAddr struct {
	path        *string // nil if the path is empty
	ip          [16]byte
	flow, scope uint32
	port        uint16
	family      uint16
}

func shortAddr(a Addr) peerAddr {
	p := peerAddr{ip: a.IP, flow: a.Flow, scope: a.Scope, port: a.Port, family: uint16(a.Family)}
	if a.Path != "" {
		p.path = &a.Path
	}
	return p
}

func (p peerAddr) addr() Addr {
	a := kernel.Addr{Family: int(p.family), IP: p.ip, Flow: p.flow, Scope: p.scope, Port: p.port}
	if p.path != nil {
		a.Path = *p.path
	}
	return a
}

// ageUnit is the unit of Conn.opened. A uint32 of this unit overflows after 13 years.
const ageUnit = timeout.Deadline(100_000_000)

// age returns the age of the loop in ageUnits.
func (r *Reactor) age() uint32 { return uint32((r.k.Now() - r.began) / ageUnit) }
