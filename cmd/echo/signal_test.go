//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// flood returns more bytes than all buffers between a client and the server can hold.
var flood = sync.OnceValue(func() []byte { return noise(64 << 20) })

// clog sends without reading until the server stops reading too, and returns the sent bytes. The
// server has stopped if it has accepted nothing in two intervals and was asleep at the end of both.
func (s *server) clog(c net.Conn) (sent []byte) {
	s.t.Helper()
	t := s.t
	all := flood()
	for n, rests := 0, 0; n < len(all); {
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		k, err := c.Write(all[n:min(n+64<<10, len(all))])
		n += k
		switch {
		case err == nil:
			rests = 0
			continue
		case !os.IsTimeout(err):
			t.Fatal(err)
		case k > 0 || !s.asleep():
			rests = 0
		default:
			rests++
		}
		if rests == 2 {
			_ = c.SetDeadline(time.Now().Add(long))
			return all[:n]
		}
	}
	t.Fatal("64 MiB are gone and nobody has read them back")
	return nil
}

// asleep reports whether no thread of the server runs or is runnable. Without /proc it waits for a
// while and logs that.
func (s *server) asleep() bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
	if len(stats) == 0 {
		time.Sleep(300 * time.Millisecond)
	}
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if _, state, ok := strings.Cut(string(text), ") "); err == nil && (!ok || state[0] != 'S') {
			return false
		}
	}
	return true
}

// Four clients read slowly, and megabytes are on their way to them when the server gets SIGTERM.
// Each client receives exactly the bytes that the server had read, then the end of input and no
// reset.
func TestSigtermDeliversWhatIsPending(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-style", style, "-drain", "1h", "tcp://127.0.0.1:0")
		var conns [4]net.Conn
		var sent [4][]byte
		for i := range conns {
			conns[i] = dial(t, "tcp", s.at[0])
			sent[i] = s.clog(conns[i])
		}
		s.signal(syscall.SIGTERM)
		eventually(t, "the listener is closed", func() bool {
			c, err := net.Dial("tcp", s.at[0])
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		results := make(chan string, len(conns))
		for i, c := range conns {
			go func() {
				got, err := slowly(c)
				switch {
				case err != nil:
					results <- err.Error()
				case len(got) < 256<<10 || !bytes.HasPrefix(sent[i], got):
					results <- "the reply is not what was sent"
				default:
					results <- ""
				}
			}()
		}
		for range conns {
			if r := <-results; r != "" {
				t.Error(r)
			}
		}
		s.ends(0)
	})
}

func slowly(r io.Reader) (got []byte, err error) {
	p := make([]byte, 128<<10)
	for {
		n, err := r.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// A client reads nothing until the time of -drain has passed. The server reports this by exit code
// 1 and a line that counts the lost bytes.
func TestSigtermReportsWhatIsLost(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-style", style, "-drain", "50ms", "tcp://127.0.0.1:0")
		s.clog(dial(t, "tcp", s.at[0]))
		s.signal(syscall.SIGTERM)
		s.ends(1)
		if n := strings.Count(s.said(), "not everything could be delivered"); n != 1 {
			t.Errorf("%d lines say so:\n%s", n, s.said())
		}
	})
}

// If a client resets during the drain, the server reports the bytes that the client has not
// received.
func TestResetWhileDrainingIsReported(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-style", style, "-drain", "1h", "tcp://127.0.0.1:0")
		c := dial(t, "tcp", s.at[0])
		s.clog(c)
		s.signal(syscall.SIGTERM)
		eventually(t, "draining", func() bool { return strings.Contains(s.said(), "draining") })
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
		s.ends(1)
	})
}

// A second signal ends the server at once, even if output is pending.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-style", style, "-drain", "1h", "tcp://127.0.0.1:0")
		s.clog(dial(t, "tcp", s.at[0]))
		s.signal(syscall.SIGTERM)
		eventually(t, "draining", func() bool { return strings.Contains(s.said(), "draining") })
		s.signal(os.Interrupt)
		s.ends(1)
	})
}

// With -drain 0 SIGTERM ends the server although a client is still connected. The exit code is 0.
func TestNoDrainEndsAtOnce(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-style", style, "-drain", "0", "tcp://127.0.0.1:0")
		roundTrip(t, dial(t, "tcp", s.at[0]), "hello")
		s.signal(syscall.SIGTERM)
		s.ends(0)
	})
}

// Clients that have received everything and send nothing do not delay the server: it ends long
// before the time of -drain, and the clients see EOF.
func TestSigtermWithIdleClients(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			t.Run(sig.String(), func(t *testing.T) {
				path := socketPath(t)
				s := serveAt(t, 2, "-style", style, "-drain", "1h", "tcp://127.0.0.1:0", "unix://"+path)
				var conns []net.Conn
				for i := range 100 {
					conns = append(conns, dial(t, []string{"tcp", "unix"}[i%2], s.at[i%2]))
					roundTrip(t, conns[i], "hello")
				}
				s.signal(sig)
				s.ends(0) // long before the hour of -drain
				for _, c := range conns {
					if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Fatalf("got %d bytes, %v; want EOF", n, err)
					}
				}
				if _, err := os.Lstat(path); !os.IsNotExist(err) {
					t.Errorf("the socket file is still there: %v", err)
				}
			})
		}
	})
}

// run is called in this process, and leaves no files and no goroutines. (TestMain checks the
// goroutines.)
func TestRunCleansUp(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		path := socketPath(t)
		var stdout, stderr bytes.Buffer
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGTERM
		code := run([]string{"-style", style, "-log", "warn", "-stats", "1ms", "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix://" + path}, &stdout, &stderr, signals)
		if code != 0 || stderr.Len() > 0 {
			t.Errorf("exit code %d, stderr %q", code, &stderr)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("the socket file is still there: %v", err)
		}
	})
}
