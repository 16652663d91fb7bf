package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A PacketInfo has the facts about a datagram beside its bytes and its peer.
type PacketInfo struct {
	// Local is the address of this machine that the datagram was sent to, or leaves from. Its port
	// is 0. The zero Addr is unknown, or leaves the choice to the kernel.
	Local Addr
	// ECN has the two bits of explicit congestion notification (RFC 3168): 0 is none, 1 is ECT(1),
	// 2 is ECT(0), 3 is congestion experienced. Linux only.
	ECN uint8
}

// WithECN makes the kernel report the ECN bits of received datagrams: see PacketConn.Info. Only
// Linux does.
func WithECN() ListenOption {
	return listenOption(func(o *sockOptions) error {
		o.ecn = true
		return o.only("listen packet", "WithECN")
	})
}

// WithGRO lets the kernel receive datagrams of one size from one sender together (UDP_GRO). One
// receive then returns several datagrams, at a fraction of the cost. Packet is still called once
// for each datagram. Only Linux supports this. Use WithGRO for sockets that receive bulk data from
// few peers.
func WithGRO() ListenOption {
	return listenOption(func(o *sockOptions) error {
		o.gro = true
		return o.only("listen packet", "WithGRO")
	})
}

// Info returns the PacketInfo of the datagram that Packet is called for. Outside Packet it is zero.
func (c *PacketConn) Info() PacketInfo {
	d := c.w.r.packetBuffers
	if d == nil || d.to != c || d.now == nil {
		return PacketInfo{}
	}
	info := PacketInfo{Local: d.now.Local, ECN: d.now.ECN}
	if c.asked == nil && info.Local.Family == 0 {
		info.Local = c.bound
		info.Local.Port = 0
	}
	return info
}

// SendWith is SendFrom that also sets the datagram's ECN bits. With ECN 0 the datagram has the bits
// of the socket's IP_TOS. On systems other than Linux, SendWith or Lost reports ENOTSUP if ECN is
// not 0.
func (c *PacketConn) SendWith(p []byte, to Addr, info PacketInfo) error {
	if info.ECN > 3 {
		return notSent(len(p), to, fmt.Errorf("ECN %d: must be 0 … 3: %w", info.ECN, kernel.EINVAL))
	}
	var local Addr
	if c.asked != nil {
		if local = c.own(info.Local); info.Local.Family == 0 {
			local = c.asked.Local(c.own(to))
		}
	}
	return c.send(p, &local, &to, info.ECN)
}

// request makes the kernel report the facts that the options ask for. It ignores errors.
func (o *sockOptions) request(k Kernel, fd, family int) {
	if o.ecn {
		kernel.AskECN(k, fd, family)
	}
	if o.gro && k.Traits().Segments {
		k.SetOpt(fd, kernel.IPPROTO_UDP, kernel.UDP_GRO, 1)
	}
}

// details returns whether receives report more than the sender.
func (c *PacketConn) details() bool { return c.asked != nil || c.opt.ecn || c.opt.gro }
