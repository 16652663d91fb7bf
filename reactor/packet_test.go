//go:build unix

package reactor

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// packets is a PacketHandler made of functions.
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

