package reactor

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// packetCost is added to the size of each queued datagram. So the limit also bounds the number of
// empty datagrams.
const packetCost = 64

// packetsKept is how many datagrams an empty queue keeps memory for.
const packetsKept = packetMax / packetCost

// A packetQueue has the datagrams that wait for the kernel. Their bytes are in one slice without
// gaps. An empty queue keeps its memory and fills it from the front again.
type packetQueue struct {
	list  []queued
	bytes []byte
	first int // the index of the first datagram in list that was not sent
}

type queued struct {
	start, end int
	to, local  Addr
	ecn        uint8
}

func (q *packetQueue) empty() bool { return q.first == len(q.list) }
func (q *packetQueue) len() int    { return len(q.list) - q.first }

func (q *packetQueue) size() int {
	if q.empty() {
		return 0
	}
	return len(q.bytes) - q.list[q.first].start + q.len()*packetCost
}

func (q *packetQueue) add(p []byte, to, local *Addr, ecn uint8) {
	start := len(q.bytes)
	q.bytes = append(q.bytes, p...)
	q.list = append(q.list, queued{start, len(q.bytes), *to, *local, ecn})
}

// front returns the destination of the first datagram, as it was passed to SendTo.
func (q *packetQueue) front() Addr { return q.list[q.first].to }

// segmentsMost is how many datagrams one Packet may have. Older kernels have this limit.
const segmentsMost = 64

// fill makes the packets refer to the first datagrams of the queue, and returns how many packets it
// has filled. It converts the addresses for a socket of the family. Consecutive datagrams of one
// size and one destination share a Packet. Each of these has at most segment bytes, and together
// they have no more than `most` bytes.
func (q *packetQueue) fill(packets []kernel.Packet, family, segment, most int) (n int) {
	for at := q.first; n < len(packets) && at < len(q.list); n++ {
		// The fields are set one by one. To copy a whole Packet would cost twice as much.
		d, p := &q.list[at], &packets[n]
		size, end, first := d.end-d.start, d.end, at
		p.Segment = 0
		for at++; size <= segment && at < min(len(q.list), first+segmentsMost) && d.joins(&q.list[at], end, at-first, most); at++ {
			end, p.Segment = q.list[at].end, uint16(size)
		}
		p.Buf, p.N = q.bytes[d.start:end], end-d.start
		p.Addr, p.Local, p.ECN = d.to, d.local, d.ecn
		if d.to.Family != family {
			p.Addr, _ = netaddr.ForSocket(family, d.to)
		}
	}
	return n
}

// joins returns whether e can share a Packet with the n datagrams before it. d is the first of
// these, and end is the end of their bytes.
func (d *queued) joins(e *queued, end, n, most int) bool {
	size, k := d.end-d.start, e.end-e.start
	return end-d.start == n*size && k > 0 && k <= size && e.end-d.start <= most && e.ecn == d.ecn && e.to == d.to && e.local == d.local
}

func (q *packetQueue) skip(n int) {
	q.first += n
	switch {
	case q.empty():
		q.list, q.bytes, q.first = q.list[:0], q.bytes[:0], 0
		if cap(q.bytes) > packetMax || cap(q.list) > packetsKept {
			q.list, q.bytes = nil, nil
		}
	case q.first > len(q.list)/2: // if more than half were sent, the others move to the front
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
