//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

const haproxyConfig = `
defaults
	mode tcp
	timeout connect 1m
	timeout client 60s
	timeout server 60s
	retries 3
	option redispatch
frontend in
	bind unix@%s
	default_backend out
backend out
	balance roundrobin
	server a %s
	server b %s
`

// HAProxy has two servers, and one of them gets SIGTERM while twenty connections use it. This
// server delivers everything that it has read, and shows this by its exit code. All clients
// continue with the other server, and all their data is echoed in order.
func TestBehindHAProxy(t *testing.T) {
	if !longtest.Only(t, "HAProxy in front") {
		return
	}
	tool(t, "haproxy")
	inEachStyle(t, func(t *testing.T, style string) {
		a := serveAt(t, 1, "-style", style, "-drain", "1m", "tcp://127.0.0.1:0")
		b := serveAt(t, 1, "-style", style, "-drain", "1m", "tcp://127.0.0.1:0")
		front := proxy(t, a.at[0], b.at[0])
		const clients, size = 20, 1 << 20
		conns := make([]net.Conn, clients)
		for i := range conns {
			conns[i] = dial(t, "unix", front)
			roundTrip(t, conns[i], "served")
		}
		results := make(chan error, clients)
		for i, c := range conns {
			go func() {
				got, text := []byte{}, noise(size)[i:]
				for tries := 0; len(got) < len(text); tries++ {
					left := text[len(got):]
					go c.Write(left) // until the server ends the connection; the unread rest is sent again
					part, err := io.ReadAll(io.LimitReader(c, int64(len(left))))
					got = append(got, part...)
					if errors.Is(err, syscall.ECONNRESET) {
						// HAProxy closes with unread input of a client. The server's exit code would report a loss.
						err = nil
					}
					if err != nil || tries == 10 {
						results <- fmt.Errorf("client %d: %d bytes, then %v", i, len(got), err)
						return
					}
					c.Close()
					if len(got) < len(text) {
						if c, err = net.Dial("unix", front); err != nil {
							results <- err
							return
						}
						_ = c.SetDeadline(time.Now().Add(long))
					}
				}
				if !bytes.Equal(got, text) {
					results <- fmt.Errorf("client %d: it differs", i)
					return
				}
				c.Close()
				results <- nil
			}()
		}
		a.signal(syscall.SIGTERM)
		for range clients {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		a.ends(0) // it has delivered everything that it had read
		b.signal(syscall.SIGTERM)
		b.ends(0)
	})
}

// proxy starts HAProxy and waits until it listens.
func proxy(t *testing.T, a, b string) (path string) {
	t.Helper()
	path = socketPath(t)
	cfg := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(cfg, fmt.Appendf(nil, haproxyConfig, path, a, b), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("haproxy", "-db", "-f", cfg)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(said.String())
		}
	})
	eventually(t, "haproxy listens", func() bool {
		c, err := net.DialTimeout("unix", path, long)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return path
}
