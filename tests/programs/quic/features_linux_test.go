package quic

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/tests/programs/kit"
)

// A capable connection has the methods for which quic-go looks before it uses ECN, GSO and packet
// information.
type capable interface {
	quic.OOBCapablePacketConn
	net.Conn
}

// A watched connection counts the control messages that quic-go sends.
type watched struct {
	capable
	segments, marks atomic.Int64
}

func (c *watched) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0, 0, err
	}
	for _, m := range list {
		switch {
		case m.Header.Level == unix.SOL_UDP && m.Header.Type == unix.UDP_SEGMENT:
			c.segments.Add(1)
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_TOS && m.Data[0]&3 != 0:
			c.marks.Add(1)
		}
	}
	return c.capable.WriteMsgUDP(b, oob, addr)
}

// option returns the value of a socket option.
func (c *watched) option(level, name int) (v int, err error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := rc.Control(func(fd uintptr) { v, err = unix.GetsockoptInt(int(fd), level, name) }); e != nil {
		return 0, e
	}
	return v, err
}

// quic-go uses ECN, GSO and DF on connections of netconn and of package net: it requests the ECN
// bits and forbids fragments. Its bulk data leaves with UDP_SEGMENT and ECN marks.
func TestQUICUsesECNAndGSOAndDF(t *testing.T) {
	kit.Same(t, func(n kit.Net) error {
		sc, cc := kit.TLS("bulk")
		pc, err := n.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer pc.Close()
		conn, ok := pc.(capable)
		if !ok {
			return fmt.Errorf("%T is a plain net.PacketConn for quic-go", pc)
		}
		w := &watched{capable: conn}
		l, err := quic.Listen(w, sc, nil)
		if err != nil {
			return err
		}
		defer l.Close()
		go func() {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			s, err := c.OpenUniStream()
			if err == nil {
				_, err = s.Write(make([]byte, 4<<20))
			}
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c, err := quic.DialAddr(ctx, pc.LocalAddr().String(), cc, nil)
		if err != nil {
			return err
		}
		defer c.CloseWithError(0, "")
		s, err := c.AcceptUniStream(ctx)
		if err != nil {
			return err
		}
		if k, err := io.Copy(io.Discard, s); k != 4<<20 || err != nil {
			return fmt.Errorf("%d bytes, %w", k, err)
		}
		tos, err := w.option(unix.IPPROTO_IP, unix.IP_RECVTOS)
		if err != nil {
			return err
		}
		df, err := w.option(unix.IPPROTO_IP, unix.IP_MTU_DISCOVER)
		if err != nil {
			return err
		}
		t.Logf("%s: %d sends with GSO, %d packets with ECN, IP_RECVTOS %d, IP_MTU_DISCOVER %d", n.Name, w.segments.Load(), w.marks.Load(), tos, df)
		if w.segments.Load() == 0 || w.marks.Load() == 0 || tos == 0 || df != unix.IP_PMTUDISC_DO && df != unix.IP_PMTUDISC_PROBE {
			return fmt.Errorf("%d sends with GSO, %d packets with ECN, IP_RECVTOS %d, IP_MTU_DISCOVER %d", w.segments.Load(), w.marks.Load(), tos, df)
		}
		return nil
	})
}

var _ syscall.Conn = (*watched)(nil)
