package hazard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// In the row drain, the server is stopped before it has sent all answers. It must send back
// everything that it had read from its socket.
func drain(t *Target) (string, error) {
	c, err := t.raw()
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetReadBuffer(16 << 10)
	sent := noise(t.Seed, 8<<20)
	n, err := fill(c, sent)
	if err != nil {
		return "", err
	}
	taken, err := t.taken(c, n)
	if err != nil {
		return "", err
	}
	t.Stopping = true
	if err := t.Stop(); err != nil {
		return "", err
	}
	time.Sleep(300 * time.Millisecond) // the server is stopping, and the peer still does not read
	c.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(c)
	figure := fmt.Sprintf("%.3g of %.3g MiB", float64(len(got))/(1<<20), float64(taken)/(1<<20))
	if !bytes.HasPrefix(sent, got) {
		return figure, errors.New("other bytes came back than were sent")
	}
	if len(got) < taken {
		return figure, fmt.Errorf("%d bytes were lost (%v)", taken-len(got), err)
	}
	c.Close()
	if ended, _ := t.Ended(patience); !ended {
		return figure, fmt.Errorf("the server did not end within %v", patience)
	}
	return figure, nil
}

// fill sends until the server reads no more.
func fill(c net.Conn, p []byte) (sent int, err error) {
	for sent < len(p) {
		c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := c.Write(p[sent:min(len(p), sent+64<<10)])
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
	}
	time.Sleep(300 * time.Millisecond)
	return sent, nil
}

// taken returns how many of n sent bytes the server has read. The others are in this end's send
// queue or in the other end's receive queue, whose sizes the kernel reports.
func (t *Target) taken(c *net.TCPConn, n int) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var unsent int
	raw.Control(func(fd uintptr) { unsent, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if err != nil {
		return 0, err
	}
	unread, err := received(c.RemoteAddr().(*net.TCPAddr).Port, c.LocalAddr().(*net.TCPAddr).Port)
	return n - unsent - unread, err
}

// received returns the size of the receive queue of the socket that is bound to local and connected
// to remote, both on this host.
func received(local, remote int) (int, error) {
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			if len(f) < 5 || !strings.HasSuffix(f[1], fmt.Sprintf(":%04X", local)) || !strings.HasSuffix(f[2], fmt.Sprintf(":%04X", remote)) {
				continue
			}
			_, queue, _ := strings.Cut(f[4], ":")
			n, err := strconv.ParseInt(queue, 16, 64)
			return int(n), err
		}
	}
	return 0, errors.New("the server's socket is not in /proc/net/tcp")
}
