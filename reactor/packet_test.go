//go:build unix

package reactor

import (
	"path/filepath"

	"github.com/ureactor/ureactor/internal/kernel"
)

// packets is a PacketHandler whose methods call functions.
type packets struct {
	packet func(*PacketConn, []byte, Addr)
	closed func(*PacketConn, error)
	lost   func(*PacketConn, Addr, error)
}

func (h *packets) Packet(c *PacketConn, p []byte, from Addr) {
	if h.packet != nil {
		h.packet(c, p, from)
	}
}

func (h *packets) Closed(c *PacketConn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

func (h *packets) Lost(c *PacketConn, to Addr, err error) {
	if h.lost != nil {
		h.lost(c, to, err)
	}
}

// stuckGram returns the address of a Unix datagram socket that nobody reads.
func stuckGram(t *lab) Addr {
	t.Helper()
	fd, e := t.k.Socket(kernel.AF_UNIX, kernel.SOCK_DGRAM, 0)
	t.must("socket", e)
	a := kernel.Unix(filepath.Join(t.TempDir(), "stuck"))
	t.must("bind", t.k.Bind(t.own(fd), a))
	return a
}
