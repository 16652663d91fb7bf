package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// An Only selects the steps that a trace stores. So it also selects the steps that WriteTrace,
// WriteDiagram and WriteSVG show. The zero value selects all steps. Failures are always stored. See
// Options.Only.
type Only struct {
	kinds [recordKinds]bool
	spots []spot
	some  bool // false means all steps
}

// A spot is a host, a descriptor number of any host, or a descriptor of one host.
type spot struct {
	host string // "" means any host
	fd   int    // -1 means any descriptor
}

// recordNames contains the names of the kinds of records for ParseOnly.
var recordNames = [recordKinds]string{isCall: "calls", isPacket: "packets", isFault: "faults", isWorld: "notes", isLog: "logs"}

// ParseOnly reads a list such as "10.0.0.2,faults,notes". A step is selected if at least one item
// selects it:
//
//	calls, packets, faults, notes, logs  all steps of this kind
//	10.0.0.2                             the steps of this host, and packets to it
//	10.0.0.2/1003                        calls on this descriptor of the host
//	1003                                 calls on this descriptor of any host
//
// "" selects all steps.
func ParseOnly(list string) (Only, error) {
	var o Only
	if list == "" {
		return o, nil
	}
	o.some = true
items:
	for item := range strings.SplitSeq(list, ",") {
		for kind, name := range recordNames {
			if item == name {
				o.kinds[kind] = true
				continue items
			}
		}
		s, ok := parseSpot(item)
		if !ok {
			return Only{}, fmt.Errorf("sim: ParseOnly(%q): %q: must be calls, packets, faults, notes, logs, the address of a host, "+
				"a descriptor (%d or more) or host/descriptor", list, item, firstFile)
		}
		o.spots = append(o.spots, s)
	}
	return o, nil
}

func parseSpot(item string) (spot, bool) {
	host, fd, both := strings.Cut(item, "/")
	if n, err := strconv.Atoi(item); err == nil {
		return spot{fd: n}, n >= firstFile
	}
	ip, err := netip.ParseAddr(host)
	s := spot{host: ip.String(), fd: -1}
	if err == nil && both {
		s.fd, err = strconv.Atoi(fd)
	}
	return s, err == nil && (!both || s.fd >= firstFile)
}

// has returns whether a record is selected.
func (o *Only) has(r *record) bool {
	if !o.some || o.kinds[r.kind] || r.fails() {
		return true
	}
	for _, s := range o.spots {
		at := s.host == "" || r.host != nil && r.host.isNamed(s.host) || r.to != nil && r.to.isNamed(s.host)
		if at && (s.fd < 0 || r.concerns(s.fd)) {
			return true
		}
	}
	return false
}

func (h *Host) isNamed(ip string) bool {
	for _, own := range h.ips {
		if own.String() == ip {
			return true
		}
	}
	return false
}

// concerns returns whether a record is a call on the descriptor, or the call that has opened it.
func (r *record) concerns(fd int) bool {
	return r.kind == isCall && (r.fd == fd || r.c == Accept && r.e == 0 && r.res == fd)
}

// fails returns whether the record is the failure of the run.
func (r *record) fails() bool { return r.kind == isWorld && strings.HasPrefix(r.text, "FAIL ") }
