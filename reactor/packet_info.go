package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A PacketInfo has what is known about a datagram beside its bytes and its peer.
type PacketInfo struct {
	// Local is the address of this machine to which the datagram was sent, or from which it is
	// sent. Its port is 0. The zero Addr means that a receive does not know it, or that a send lets
	// the kernel choose.
	Local Addr
	// ECN has the two bits of explicit congestion notification (RFC 3168): 0 is no ECN, 1 is
	// ECT(1), 2 is ECT(0), and 3 is congestion experienced. Only Linux supports it.
	ECN uint8
}

// WithECN makes the kernel report the ECN bits of received datagrams, which PacketConn.Info
// returns. Only Linux supports it.
func WithECN() ListenOption {
	return listenOption(func(o *sockOptions) error {
		o.ecn = true
		return o.only("listen packet", "WithECN")
	})
}

// WithGRO allows the kernel to receive several datagrams at once, if they have one size and one
// sender (UDP_GRO). That costs a fraction of the processor time. Packet is still called once for
// each datagram. WithGRO is for sockets that receive much data from few peers. Only Linux supports
// it.
func WithGRO() ListenOption {
	return listenOption(func(o *sockOptions) error {
		o.gro = true
		return o.only("listen packet", "WithGRO")
	})
}

// Info returns the PacketInfo of the datagram that Packet gets. Outside of Packet it is zero.
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

// SendWith is SendFrom with info.Local, and it also sets the ECN bits of the datagram. If info.ECN
// is 0, the datagram has the bits of the socket's IP_TOS. If it is not 0, SendWith or Lost reports
// ENOTSUP on systems other than Linux.
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

// request makes the kernel report what the options ask for. It ignores errors.
func (o *sockOptions) request(k Kernel, fd, family int) {
	if o.ecn {
		kernel.AskECN(k, fd, family)
	}
	if o.gro && k.Traits().Segments {
		k.SetOpt(fd, kernel.IPPROTO_UDP, kernel.UDP_GRO, 1)
	}
}

// details returns whether a receive reports more than the sender.
func (c *PacketConn) details() bool { return c.asked != nil || c.opt.ecn || c.opt.gro }
