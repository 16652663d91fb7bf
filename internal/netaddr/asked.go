package netaddr

import "github.com/ureactor/ureactor/internal/kernel"

// askedMost is how many senders an Asked remembers at least.
const askedMost = 4096

// An Asked remembers the local address that each of the latest senders has used, so that an answer
// can leave from there. It remembers at least askedMost senders. It is for a socket that is bound
// to the wildcard address. It belongs to one goroutine.
type Asked struct {
	last          peer
	lastLocal     own
	recent, older map[peer]own // two generations: the older one is dropped as a whole
}

// A peer is a sender's IP address and port.
type peer struct {
	ip    [16]byte
	scope uint32
	port  uint16
	six   bool
}

// own is an address of this machine. The zero value is no address.
type own struct {
	ip     [16]byte
	scope  uint32
	family int32
}

func peerOf(a kernel.Addr) peer {
	return peer{a.IP, a.Scope, a.Port, a.Family == kernel.AF_INET6}
}

// Note records the local address that a datagram was sent to. With the zero local it forgets the
// sender.
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

// Local returns the local address that the sender has used last, or the zero Addr if it is not
// known.
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
