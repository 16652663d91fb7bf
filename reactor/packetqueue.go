package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// packetCost is added to the size of each queued datagram, so that empty ones are bounded too.
const packetCost = 64

// packetsKept is the capacity that an empty queue keeps, in datagrams.
const packetsKept = packetMax / packetCost

// A packetQueue holds datagrams that wait for the kernel, their bytes back to back. It keeps its
// memory while it is used and starts again at the front whenever it is empty.
type packetQueue struct {
	list  []queued
	bytes []byte
	first int // of list: those before it are sent
}

type queued struct {
	start, end int
	to, local  Addr
}

func (q *packetQueue) empty() bool { return q.first == len(q.list) }
func (q *packetQueue) len() int    { return len(q.list) - q.first }

func (q *packetQueue) size() int {
	if q.empty() {
		return 0
	}
	return len(q.bytes) - q.list[q.first].start + q.len()*packetCost
}

func (q *packetQueue) add(p []byte, to, local *Addr) {
	start := len(q.bytes)
	q.bytes = append(q.bytes, p...)
	q.list = append(q.list, queued{start, len(q.bytes), *to, *local})
}

// front is the destination of the first datagram, as SendTo got it.
func (q *packetQueue) front() Addr { return q.list[q.first].to }

// fill points the packets at the first entries of the queue, with addresses in the form of a socket
// of the family. It returns how many it has filled.
func (q *packetQueue) fill(packets []kernel.Packet, family int) int {
	n := min(len(packets), q.len())
	for i := range n { // field by field: a Packet is large, and its copy would double the cost
		d, p := &q.list[q.first+i], &packets[i]
		p.Buf, p.N = q.bytes[d.start:d.end], d.end-d.start
		p.Addr, p.Local = d.to, d.local
		if d.to.Family != family {
			p.Addr, _ = netaddr.ForSocket(family, d.to)
		}
	}
	return n
}

func (q *packetQueue) skip(n int) {
	q.first += n
	switch {
	case q.empty():
		q.list, q.bytes, q.first = q.list[:0], q.bytes[:0], 0
		if cap(q.bytes) > packetMax || cap(q.list) > packetsKept {
			q.list, q.bytes = nil, nil
		}
	case q.first > len(q.list)/2: // more than half is sent: move the rest to the front
		base := q.list[q.first].start
		q.bytes = append(q.bytes[:0], q.bytes[base:]...)
		q.list = append(q.list[:0], q.list[q.first:]...)
		for i := range q.list {
			q.list[i].start -= base
			q.list[i].end -= base
		}
		q.first = 0
	}
}
