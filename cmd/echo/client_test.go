//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A client of package net is served at every kind of address.
func TestServesPackageNet(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		path, gram := socketPath(t), socketPath(t)
		s := serveAt(t, 6, "-style", style, "tcp://127.0.0.1:0", "tcp4://localhost:0", "udp://127.0.0.1:0", "udp4://127.0.0.1:0", "unix://"+path, "unixgram://"+gram)
		for i, network := range []string{"tcp", "tcp4", "udp", "udp4", "unix"} {
			t.Run(network, func(t *testing.T) {
				c := dial(t, network, s.at[i])
				roundTrip(t, c, "hello")
				roundTrip(t, c, strings.Repeat("again ", 1000))
			})
		}
		t.Run("unixgram", func(t *testing.T) {
			me := socketPath(t)
			c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: me}, &net.UnixAddr{Name: gram})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(long))
			roundTrip(t, c, "hello")
		})
	})
}

// Each style serves IPv6 over TCP and UDP. A TCP listener without a host serves both families.
func TestServesIPv6(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			t.Skip(err)
		}
		l.Close()
		s := serveAt(t, 3, "-style", style, "tcp6://[::1]:0", "udp6://[::1]:0", "tcp://:0")
		roundTrip(t, dial(t, "tcp6", s.at[0]), "hello")
		roundTrip(t, dial(t, "udp6", s.at[1]), "hello")
		_, port, _ := net.SplitHostPort(s.at[2])
		roundTrip(t, dial(t, "tcp6", "[::1]:"+port), "dual")
		roundTrip(t, dial(t, "tcp4", "127.0.0.1:"+port), "stack")
	})
}

// A client sends everything, half-closes, and only then reads. It receives all its bytes back.
func TestHalfCloseReturnsEverything(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		path := socketPath(t)
		s := serveAt(t, 2, "-style", style, "tcp://127.0.0.1:0", "unix://"+path)
		sent := noise(longtest.Count(2, 8, 8) << 20)
		for i, network := range []string{"tcp", "unix"} {
			t.Run(network, func(t *testing.T) {
				c := dial(t, network, s.at[i])
				failed := make(chan error, 1)
				go func() {
					_, err := c.Write(sent)
					if err == nil {
						err = c.(interface{ CloseWrite() error }).CloseWrite()
					}
					failed <- err
				}()
				time.Sleep(50 * time.Millisecond)
				got, err := io.ReadAll(c)
				if err != nil || !bytes.Equal(got, sent) {
					t.Errorf("got %d bytes of %d, %v", len(got), len(sent), err)
				}
				if err := <-failed; err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// The commands that the server prints work in a shell without a change.
func TestPrintedLines(t *testing.T) {
	if !longtest.Only(t, "nc, socat and curl as clients") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		tool(t, "nc")
		tool(t, "socat")
		path := socketPath(t) + " with a space"
		args := []string{"tcp://127.0.0.1:0", "tcp://:0", "udp://127.0.0.1:0", "unix://" + path, "unixgram://" + socketPath(t)}
		if runtime.GOOS == "linux" {
			args = append(args, "unix://@"+strings.TrimPrefix(socketPath(t), "/"))
		}
		typeLines(t, serveAt(t, len(args), append([]string{"-style", style}, args...)...))
	})
}

// The commands that a server with -tls prints work in a shell without a change.
func TestPrintedLinesTLS(t *testing.T) {
	if !longtest.Only(t, "openssl as the client") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		tool(t, "openssl")
		typeLines(t, serveAt(t, 3, "-tls", "-style", style, "tcp://127.0.0.1:0", "tcp://:0", "unix://"+socketPath(t)+" with a space"))
	})
}

func typeLines(t *testing.T, s *server) {
	for _, line := range s.try {
		t.Run(line, func(t *testing.T) { talk(t, exec.Command("sh", "-c", "exec "+line)) })
	}
}

// talk sends a line to an interactive client and waits for its echo.
func talk(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(long, func() { _ = cmd.Process.Kill() })
	defer func() {
		stuck.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for _, text := range []string{"hello\n", "again\n"} {
		if _, err := io.WriteString(in, text); err != nil {
			t.Fatal(err)
		}
		wants(t, out, text)
	}
}

// nc, socat and curl receive their input back. The clients that half-close end by themselves.
func TestServesOtherClients(t *testing.T) {
	if !longtest.Only(t, "nc, socat and curl as clients") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		path := socketPath(t)
		s := serveAt(t, 3, "-style", style, "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix://"+path)
		host, port, _ := net.SplitHostPort(s.at[0])
		stream, packet := noise(3<<20), noise(1200)
		for _, c := range []struct {
			name string
			send []byte
			args []string
		}{
			{"nc tcp", stream, []string{"nc", "-N", host, port}},
			{"nc unix", stream, []string{"nc", "-N", "-U", path}},
			{"socat tcp", stream, []string{"socat", "-t", "20", "-", "TCP:" + s.at[0]}},
			{"socat unix", stream, []string{"socat", "-t", "20", "-", "UNIX-CONNECT:" + path}},
			{"socat udp", packet, []string{"socat", "-t", "1", "-", "UDP:" + s.at[1]}},
		} {
			t.Run(c.name, func(t *testing.T) {
				tool(t, c.args[0])
				cmd := exec.Command(c.args[0], c.args[1:]...)
				cmd.Stdin = bytes.NewReader(c.send)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				got, err := cmd.Output()
				if err != nil || !bytes.Equal(got, c.send) {
					t.Errorf("%v: got %d bytes of %d, %v %s", cmd, len(got), len(c.send), err, &stderr)
				}
			})
		}
		t.Run("curl telnet", func(t *testing.T) {
			tool(t, "curl")
			talk(t, exec.Command("curl", "-s", "-N", "telnet://"+s.at[0]))
		})
	})
}

// A Unix datagram client that never reads fills only its own queue. Other clients get their
// answers, and the loop sleeps.
func TestStuckUnixDatagramClient(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		gram, stuck, other := socketPath(t), socketPath(t), socketPath(t)
		s := serveAt(t, 1, "-style", style, "-stats", "100ms", "unixgram://"+gram)
		to := &net.UnixAddr{Name: gram, Net: "unixgram"}
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: stuck, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(long))
		for range 1000 {
			if _, err := c.WriteToUnix([]byte("for the floor"), to); err != nil {
				t.Fatal(err)
			}
		}
		d, err := net.DialUnix("unixgram", &net.UnixAddr{Name: other, Net: "unixgram"}, to)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		_ = d.SetDeadline(time.Now().Add(long))
		roundTrip(t, d, "hello")
		eventually(t, "0 turns", func() bool {
			lines := s.printed()
			return strings.HasSuffix(lines[len(lines)-1], " turns/s 0")
		})
	})
}
