//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package groups

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

const haproxyConfig = `
global
	maxconn 2000
defaults
	mode tcp
	timeout connect 1m
	timeout client 1m
	timeout server 1m
	retries 5
	option redispatch 1
listen echo
	bind 127.0.0.1:%d
	balance roundrobin
	server a %s check inter 50ms fall 1 rise 1
	server b %s check inter 50ms fall 1 rise 1
`

// freePort returns a port at which nobody listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// haproxy starts HAProxy in front of two servers, and returns HAProxy's address.
func haproxy(t *testing.T, a, b string) string {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		if program = "/usr/sbin/haproxy"; !exists(program) {
			t.Skip("no haproxy here")
		}
	}
	port := freePort(t)
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(config, fmt.Appendf(nil, haproxyConfig, port, a, b), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", config)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	at := fmt.Sprint("127.0.0.1:", port)
	for until := time.Now().Add(longtest.Guard); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", at)
		if err == nil {
			c.Close()
			return at
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// HAProxy has two servers, which in turn are stopped with SIGTERM and started again. Meanwhile
// clients send messages through it, and connect anew when their connection ends. Every byte that a
// server has read is echoed to its client. The test compares the two sums of bytes, because a byte
// that no server has read needs no echo. The servers deliver everything before they end, and no
// client is refused.
func TestRollingRestartBehindHAProxy(t *testing.T) {
	if !longtest.Only(t, "HAProxy in front") {
		return
	}
	ports := [2]string{fmt.Sprint("127.0.0.1:", freePort(t)), fmt.Sprint("127.0.0.1:", freePort(t))}
	var servers [2]*fleet
	for i, p := range ports {
		servers[i] = start(t, self(), 2, "tcp://"+p)
	}
	front := haproxy(t, ports[0], ports[1])
	var stop atomic.Bool
	var got, served, cut atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			p := []byte(strings.Repeat("0123456789abcdef", 512))
			for !stop.Load() {
				c, err := net.Dial("tcp", front)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(longtest.Guard))
				for !stop.Load() {
					n, err := talk(c, p)
					got.Add(int64(n))
					if err != nil {
						cut.Add(1)
						break
					}
					served.Add(1)
				}
				c.Close()
			}
		})
	}
	const rounds = 20
	more := func(s *fleet) {
		enough := served.Load() + 200
		s.wait("messages between restarts", func() bool { return served.Load() >= enough || t.Failed() })
	}
	var read int64
	for i := range rounds {
		s := servers[i%2]
		more(s)
		s.signal(syscall.SIGTERM)
		s.wait("it has ended", func() bool { return len(s.answered) == 1 })
		read += s.total()
		servers[i%2] = start(t, self(), 2, "tcp://"+ports[i%2])
	}
	more(servers[0])
	stop.Store(true)
	all.Wait()
	for _, s := range servers {
		s.signal(syscall.SIGTERM)
		s.wait("it has ended", func() bool { return len(s.answered) == 1 })
		read += s.total()
	}
	if read != got.Load() || served.Load() == 0 {
		t.Errorf("%d bytes were sent back, %d have come: %d replies' worth lost", read, got.Load(), (read-got.Load())/8192)
	}
	t.Logf("%d restarts, %d messages served, %d connections cut before their message was read, %d bytes of replies lost",
		rounds, served.Load(), cut.Load(), read-got.Load())
}

// talk sends p and reads the echo until all of p has come back, or until the stream ends. It
// returns the number of bytes that came back.
func talk(c net.Conn, p []byte) (n int, err error) {
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(p)
		sent <- err
	}()
	back := make([]byte, len(p))
	for n < len(p) && err == nil {
		var k int
		k, err = c.Read(back[n:])
		n += k
	}
	if n < len(p) {
		c.Close()
	}
	<-sent
	return n, err
}
