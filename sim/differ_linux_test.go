package sim_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// A machine is one of the two that the test compares: the host or a simulated one.
type machine struct {
	k      kernel.Kernel
	p      poller.Poller
	ends   []int             // the sockets of the script; -1 if closed
	want   []poller.Interest // the registered interest of each socket
	pause  func()            // waits until all sent data has arrived
	settle func()            // waits until it is also acknowledged
	log    []string
	full   *[2]bool // the sockets that are full; nil if the script fills none
	deaf   [2]bool  // after SHUT_RD
	half   [2]bool  // the end was in the state FIN_WAIT_2
	acked  []bool   // for each step of the host: whether a FIN was acknowledged
}

// kinds contains the kinds of connections. Each function makes two ends.
var kinds = map[string]func(m *machine) error{
	"tcp":      func(m *machine) error { return m.connect(kernel.AF_INET, kernel.Inet(addr("127.0.0.1:0"))) },
	"tcp6":     func(m *machine) error { return m.connect(kernel.AF_INET6, kernel.Inet(addr("[::1]:0"))) },
	"unix":     func(m *machine) error { return m.connect(kernel.AF_UNIX, kernel.Unix("")) },
	"udp":      func(m *machine) error { return m.datagrams(kernel.AF_INET, kernel.Inet(addr("127.0.0.1:0"))) },
	"unixgram": func(m *machine) error { return m.datagrams(kernel.AF_UNIX, kernel.Unix("")) },
}

func (m *machine) open(family, typ int, at kernel.Addr) (int, kernel.Addr, error) {
	fd, e := m.k.Socket(family, typ, 0)
	if e == 0 {
		e = m.k.Bind(fd, at)
	}
	if e != 0 {
		return -1, at, e
	}
	a, e := m.k.LocalAddr(fd)
	if e != 0 {
		return -1, a, e
	}
	return fd, a, nil
}

func (m *machine) connect(family int, at kernel.Addr) error {
	l, at, err := m.open(family, kernel.SOCK_STREAM, at)
	if err != nil {
		return err
	}
	defer m.k.Close(l)
	a, e := m.k.Socket(family, kernel.SOCK_STREAM, 0)
	if m.full != nil && family != kernel.AF_UNIX {
		m.small(l)
		m.small(a)
	}
	if e == 0 {
		e = m.k.Listen(l, 1)
	}
	if e == 0 {
		e = m.k.Connect(a, at)
	}
	if e != 0 && e != kernel.EINPROGRESS {
		return e
	}
	m.pause()
	b, _, e := m.k.Accept(l)
	for e == kernel.EAGAIN { // on a busy host the handshake may be late
		time.Sleep(time.Millisecond)
		b, _, e = m.k.Accept(l)
	}
	if e != 0 {
		return e
	}
	if family != kernel.AF_UNIX { // Nagle's algorithm would delay data until an acknowledgement
		for _, fd := range []int{a, b} {
			if e := m.k.SetOpt(fd, kernel.IPPROTO_TCP, kernel.TCP_NODELAY, 1); e != 0 {
				return e
			}
		}
	}
	m.add(a)
	m.add(b)
	return nil
}

func (m *machine) datagrams(family int, at kernel.Addr) error {
	a, aAt, err := m.open(family, kernel.SOCK_DGRAM, at)
	if err != nil {
		return err
	}
	b, bAt, err := m.open(family, kernel.SOCK_DGRAM, at)
	if err != nil {
		return err
	}
	m.add(a)
	m.add(b)
	if e := m.k.Connect(a, bAt); e != 0 {
		return e
	}
	if e := m.k.Connect(b, aAt); e != 0 {
		return e
	}
	return nil
}

func (m *machine) add(fd int) {
	m.ends = append(m.ends, fd)
	m.want = append(m.want, 0)
}

func (m *machine) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

// end closes a socket.
func (m *machine) end(i int) {
	if m.ends[i] < 0 {
		return
	}
	if m.want[i] != 0 {
		m.p.Del(m.ends[i])
	}
	m.k.Close(m.ends[i])
	m.ends[i] = -1
}

// do makes one call of the script and records its result.
func (m *machine) do(op, i, arg int) {
	fd := m.ends[i]
	if fd < 0 {
		return
	}
	if m.full != nil && m.moves(op, i, arg) {
		return
	}
	interests := []poller.Interest{poller.In, poller.Out, poller.In | poller.Out, poller.In | poller.Edge, poller.In | poller.Out | poller.Edge}
	switch op {
	case 0, 1:
		n, e := m.k.Send(fd, make([]byte, 1+arg%500), 0)
		m.note("#%d send(%d) = %d %s", i, 1+arg%500, n, sim.ErrnoName(e))
	case 2, 3:
		n, e := m.k.Recv(fd, make([]byte, 1+arg%700), 0)
		m.note("#%d recv(%d) = %d %s", i, 1+arg%700, n, sim.ErrnoName(e))
	case 4:
		how := arg % 3
		m.note("#%d shutdown(%d) %s", i, how, sim.ErrnoName(m.k.Shutdown(fd, how)))
	case 5:
		if arg%3 != 0 && m.full == nil {
			return
		}
		linger := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, uint32(arg&1)), 0)
		m.note("#%d close(linger %d) %s", i, arg&1, sim.ErrnoName(m.k.SetOptBytes(fd, kernel.SOL_SOCKET, kernel.SO_LINGER, linger)))
		m.end(i)
	case 6:
		want := interests[arg%len(interests)]
		var err error
		if m.want[i] == 0 {
			err = m.p.Add(fd, uint32(i+1), want)
		} else {
			err = m.p.Mod(fd, uint32(i+1), want)
		}
		m.want[i] = want
		m.note("#%d wants %v: %v", i, want, err)
	case 7:
		if m.want[i] != 0 {
			m.want[i] = 0
			m.note("#%d del: %v", i, m.p.Del(fd))
		}
	case 8:
		ready, e := m.k.Ready(fd)
		m.note("#%d ready %v %s", i, ready, sim.ErrnoName(e))
	case 9:
		v, e := m.k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_ERROR)
		_, p := m.k.PeerAddr(fd)
		m.note("#%d SO_ERROR %s %s, peer %s", i, sim.ErrnoName(kernel.Errno(v)), sim.ErrnoName(e), sim.ErrnoName(p))
	case 10:
		m.k.SetOpt(fd, kernel.IPPROTO_TCP, tcpQuickAck, 1) // the host then acknowledges a FIN earlier
	case 11:
		m.wait()
	default:
		m.settle()
	}
	m.pause()
}

// wait records the Events that the Poller reports without waiting, in the order of the sockets.
func (m *machine) wait() {
	var events [8]poller.Event
	n, err := m.p.Wait(events[:], 0)
	list := events[:n]
	slices.SortFunc(list, func(a, b poller.Event) int { return int(a.Gen) - int(b.Gen) })
	var told []string
	for _, ev := range list {
		told = append(told, fmt.Sprintf("#%d %v", ev.Gen-1, ev.Ready))
	}
	m.note("wait: %s %v", strings.Join(told, ", "), err)
}
