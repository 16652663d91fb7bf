package simnet_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"

	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/sim/simnet"
)

// These types have the names of the proposal testing/nettest (golang/go#77362).
type (
	memListener struct {
		net.Listener
		n       *simnet.Net
		clients []*simnet.Host
	}
	packetNet struct {
		n     *simnet.Net
		hosts map[netip.Addr]*simnet.Host
	}
)

func newListener(n *simnet.Net) (*memListener, error) {
	l, err := n.Host("10.0.0.1").Listen("tcp", ":80")
	return &memListener{Listener: l, n: n}, err
}

// newConnFrom is the proposal's NewConnConfig with SetLocalAddr.
func (l *memListener) newConnFrom(addr string) (net.Conn, error) {
	h := l.n.Host(addr)
	l.clients = append(l.clients, h)
	return h.Dial("tcp", "10.0.0.1:80")
}

func (l *memListener) newConn() (net.Conn, error) {
	return l.newConnFrom(fmt.Sprintf("10.1.0.%d", 1+len(l.clients)))
}

// newConnPair is the proposal's NewConnPair. It returns both ends of a connection. a is the end of
// the client.
func newConnPair(n *simnet.Net) (a, b net.Conn, client *simnet.Host, err error) {
	l, err := newListener(n)
	if err == nil {
		defer l.Close()
		a, err = l.newConn()
	}
	if err == nil {
		client = l.clients[0]
		b, err = l.Accept()
	}
	return a, b, client, err
}

func (p *packetNet) newConn(at netip.AddrPort) (net.PacketConn, error) {
	h := p.hosts[at.Addr()]
	if h == nil {
		h = p.n.Host(at.Addr().String())
		p.hosts[at.Addr()] = h
	}
	return h.ListenPacket("udp", at.String())
}

// A Net can implement the API of the proposal testing/nettest: connections from chosen addresses,
// full read buffers, errors of calls, groups of packet connections.
func TestProposalNettest(t *testing.T) {
	bubbled := func(f func(n *simnet.Net) error) {
		t.Helper()
		if err := simnet.Run(t, sim.New(1, sim.Options{}), f); err != nil {
			t.Error(err)
		}
	}
	bubbled(func(n *simnet.Net) error {
		l, err := newListener(n)
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := l.newConnFrom("192.0.2.7")
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err == nil && s.RemoteAddr().(*net.TCPAddr).IP.String() != "192.0.2.7" {
			t.Error(s.RemoteAddr())
		}
		if tcp, ok := s.LocalAddr().(*net.TCPAddr); !ok || tcp.Port != 80 || l.Addr().Network() != "tcp" {
			t.Error(s.LocalAddr(), l.Addr())
		}
		return errors.Join(err, c.Close(), s.Close())
	})
	bubbled(func(n *simnet.Net) error { // SetReadBufferSize: writes wait while it is full
		a, b, _, err := newConnPair(n)
		if err != nil {
			return err
		}
		if err := b.(*netconn.Conn).SetReadBuffer(4096); err != nil {
			return err
		}
		a.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := a.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 1<<20 {
			t.Errorf("%d, %v", n, err)
		}
		return errors.Join(a.Close(), b.Close())
	})
	bubbled(func(n *simnet.Net) error { // SetReadError, and the peer's end of input
		a, b, client, err := newConnPair(n)
		if err != nil {
			return err
		}
		return errors.Join(readError(n, client.Sim(), a, b), a.Close())
	})
	bubbled(func(n *simnet.Net) error {
		p := &packetNet{n, map[netip.Addr]*simnet.Host{}}
		one, err := p.newConn(netip.MustParseAddrPort("10.0.0.1:53"))
		if err != nil {
			return err
		}
		two, err := p.newConn(netip.MustParseAddrPort("10.0.0.2:53"))
		if err != nil {
			return err
		}
		if _, err := p.newConn(netip.MustParseAddrPort("10.0.0.2:53")); !errors.Is(err, kernel.EADDRINUSE) {
			t.Error(err)
		}
		_, err = one.WriteTo([]byte("x"), two.LocalAddr())
		buf := make([]byte, 10)
		_, from, e := two.ReadFrom(buf)
		if err = errors.Join(err, e); err == nil && from.String() != "10.0.0.1:53" {
			t.Error(from)
		}
		return errors.Join(err, one.Close(), two.Close())
	})
}

func readError(n *simnet.Net, h *sim.Host, a, b net.Conn) error {
	n.Do(func(*sim.World) { h.Inject(sim.Injection{Call: sim.Recv, Nth: 1, Errno: kernel.ENOBUFS}) })
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, kernel.ENOBUFS) {
		return fmt.Errorf("a set error: %v", err)
	}
	if err := b.Close(); err != nil {
		return err
	}
	if _, err := a.Read(make([]byte, 1)); err != io.EOF {
		return fmt.Errorf("the peer's end: %v", err)
	}
	return nil
}
