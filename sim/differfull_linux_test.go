package sim_test

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
)

// info returns TCP_INFO of the host's end, or nil if the end is closed or is no TCP socket.
func (m *machine) info(i int) *unix.TCPInfo {
	if m.ends[i] < 0 {
		return nil
	}
	p, err := unix.GetsockoptTCPInfo(m.ends[i], unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || p.State == unix.BPF_TCP_CLOSE {
		return nil
	}
	return p
}

// hearACK records whether a FIN was acknowledged in this step of the host.
func (m *machine) hearACK() {
	acked := false
	for i := range m.ends {
		if p := m.info(i); p != nil && p.State == unix.BPF_TCP_FIN_WAIT2 && !m.half[i] {
			acked, m.half[i] = true, true
		}
	}
	m.acked = append(m.acked, acked)
}

// acknowledged waits until the peers have acknowledged all segments that have left the host, and
// until output that is left has no room. The last bytes of a window leave with a delay.
func (m *machine) acknowledged() {
	for i := range m.ends {
		end := time.Now().Add(longtest.Guard)
		for p := m.info(i); p != nil; p = m.info(i) {
			if time.Now().After(end) {
				panic(fmt.Sprintf("#%d: the host's output is not acknowledged: %+v", i, p))
			}
			full := m.info(1-i) == nil || p.Snd_wnd == 0 && kernel.Waiting(m.k, m.ends[1-i]) > 1
			if p.Unacked == 0 && (p.Notsent_bytes == 0 || full) {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// small sets the sizes of a socket's buffers.
func (m *machine) small(fd int) {
	const size = 64 << 10
	for _, o := range []int{kernel.SO_SNDBUF, kernel.SO_RCVBUF} {
		if e := m.k.SetOpt(fd, kernel.SOL_SOCKET, o, size); e != 0 {
			panic(e)
		}
	}
}

// moves makes a send or recv that fills or drains a socket. It returns false if the call is another
// one. How many bytes fill a socket differs from kernel to kernel, so the log has no sizes.
func (m *machine) moves(op, i, arg int) bool {
	switch op {
	case 1:
		m.full[i] = true
		if arg%2 == 0 {
			m.each(i, "fill the window", func(fd int) (int, kernel.Errno) { return m.k.Send(fd, make([]byte, m.window(i)), 0) })
		} else {
			m.each(i, "fill", func(fd int) (int, kernel.Errno) { return m.k.Send(fd, make([]byte, 16<<10), 0) })
		}
		return true
	case 3:
		if m.full[1-i] && m.deaf[i] {
			// After SHUT_RD Linux sends no update of its window. The peer notices the room at its
			// next probe, and the simulated peer notices it at once.
			m.stop()
			return true
		}
		m.full[1-i] = false
		m.each(i, "drain", func(fd int) (int, kernel.Errno) { return m.k.Recv(fd, make([]byte, 16<<10), 0) })
		return true
	case 4:
		m.deaf[i] = m.deaf[i] || arg%3 != kernel.SHUT_WR
	}
	return op == 0 && m.full[i] || op == 2 && m.full[1-i] // such a part cannot be compared
}

// each repeats a call until it moves nothing, even after a pause. It notes the error of a reset if
// there was one, and otherwise the last result.
func (m *machine) each(i int, what string, call func(fd int) (int, kernel.Errno)) {
	var last kernel.Errno
	for moved := 1; moved > 0; m.settle() {
		moved = 0
		for n := 1; n > 0; moved += n {
			var e kernel.Errno
			if n, e = call(m.ends[i]); e != 0 {
				n = 0
			}
			if last != kernel.ECONNRESET && n == 0 {
				last = e
			}
		}
	}
	m.note("#%d %s: %s", i, what, sim.ErrnoName(last))
}

// window waits, and returns how many bytes the peer has room for.
func (m *machine) window(i int) int {
	m.settle()
	if m.ends[1-i] < 0 {
		return 0
	}
	if m.k == kernel.Host {
		if p := m.info(i); p != nil {
			return int(p.Snd_wnd)
		}
		return 0
	}
	n, _ := m.k.GetOpt(m.ends[1-i], kernel.SOL_SOCKET, kernel.SO_RCVBUF)
	return max(n-kernel.Waiting(m.k, m.ends[1-i])/2, 0)
}

// stop closes the sockets, so that the rest of the script does nothing.
func (m *machine) stop() {
	for i := range m.ends {
		m.end(i)
	}
}
