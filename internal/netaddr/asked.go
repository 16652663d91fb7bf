package netaddr

import "github.com/ureactor/ureactor/internal/kernel"

// askedMost is how many senders an Asked remembers at least, before it forgets the oldest ones.
const askedMost = 4096

// An Asked remembers, for each of the latest senders, the local address to which the sender has
// sent. An answer can then leave from that address. A socket needs an Asked if it is bound to the
// wildcard address. One goroutine owns the Asked.
type Asked struct {
	last          peer
	lastLocal     own
	recent, older map[peer]own // two generations of senders: the older one is dropped as a whole
}

// A peer is the IP address and port of a sender.
type peer struct {
	ip    [16]byte
	scope uint32
	port  uint16
	six   bool
}

// own is an address of this machine. The zero value means that there is none.
type own struct {
	ip     [16]byte
	scope  uint32
	family int32
}

func peerOf(a kernel.Addr) peer {
	return peer{a.IP, a.Scope, a.Port, a.Family == kernel.AF_INET6}
}

// Note records that a datagram of the sender `from` was sent to the address `local`. If `local` is
// the zero Addr, Note forgets the sender.
func (m *Asked) Note(from, local kernel.Addr) {
	p, o := peerOf(from), own{local.IP, local.Scope, int32(local.Family)}
	if p == m.last && o == m.lastLocal {
		return
	}
	m.last, m.lastLocal = p, o
	if len(m.recent) >= askedMost {
		if _, known := m.recent[p]; !known {
			m.older, m.recent = m.recent, m.older
			clear(m.recent)
		}
	}
	if m.recent == nil {
		m.recent = map[peer]own{}
	}
	m.recent[p] = o
}

// Local returns the local address to which this sender has sent last. If that is not known, Local
// returns the zero Addr.
func (m *Asked) Local(to kernel.Addr) kernel.Addr {
	p := peerOf(to)
	o, known := m.lastLocal, p == m.last
	if !known {
		if o, known = m.recent[p]; !known {
			o = m.older[p]
		}
	}
	return kernel.Addr{Family: int(o.family), IP: o.ip, Scope: o.scope}
}
