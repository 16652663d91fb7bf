//go:build linux

package groups

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/reactor"
)

var measure = flag.Bool("measure", false, "measure what a second loop gains")

// envHashing has the number of loops, and of bytes that are hashed for each message.
const envHashing = "SCALING_TEST_SERVER"

func init() { children[envHashing] = hashing }

// A worker hashes its bytes once for each message before it answers.
type worker struct{ work []byte }

var sink atomic.Uint32

func (w worker) Data(c *reactor.Conn, p []byte) {
	if len(w.work) > 0 {
		for range len(p) / 64 {
			sink.Store(uint32(sha256.Sum256(w.work)[0]))
		}
	}
	_ = c.Send(p)
}

func (worker) Closed(*reactor.Conn, error) {}

// hashing is the process of a server whose workers hash.
func hashing(v string) error {
	var loops, work int
	if _, err := fmt.Sscan(v, &loops, &work); err != nil {
		return err
	}
	g, err := reactor.NewGroup(loops)
	if err != nil {
		return err
	}
	w := worker{make([]byte, work)}
	l, err := g.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return w })
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return g.Run(context.Background())
}

type measured struct {
	cmd  *exec.Cmd
	addr string
}

func measuredServer(t *testing.T, loops, work int) *measured {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprint(envHashing, "=", loops, " ", work))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	p := make([]byte, 64)
	n, err := out.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return &measured{cmd, strings.TrimSpace(string(p[:n]))}
}

// TestScaling measures what a second loop on a second core gains. The messages have 64 bytes, 16 of
// them in one write, on 64 connections, with and without work for each message. Slices of half a
// second with one loop and with two loops alternate. It runs only with -measure.
func TestScaling(t *testing.T) {
	if !*measure {
		t.Log("a measurement, only with -measure")
		return
	}
	for _, work := range []int{0, 4 << 10, 64 << 10} {
		servers := []*measured{measuredServer(t, 1, work), measuredServer(t, 2, work)}
		rates, share := [2][]float64{}, [2][]float64{}
		for range 9 {
			for i, s := range servers {
				before, own := cpu(t, s.cmd.Process.Pid), ownTime()
				n, took := messages(t, s.addr, 500*time.Millisecond)
				theirs, ours := cpu(t, s.cmd.Process.Pid)-before, ownTime()-own
				rates[i] = append(rates[i], float64(n)/took.Seconds())
				share[i] = append(share[i], float64(ours)/float64(ours+theirs))
			}
		}
		for i := range rates {
			slices.Sort(rates[i])
			slices.Sort(share[i])
		}
		one, two := rates[0][4], rates[1][4]
		t.Logf("%5d bytes hashed for each: 1 loop %8.0f messages/s (generator %2.0f %% of the CPU), 2 loops %8.0f (%2.0f %%): × %.2f",
			work, one, 100*share[0][4], two, 100*share[1][4], two/one)
	}
}

// messages sends messages for the duration d, and returns the number of messages.
func messages(t *testing.T, addr string, d time.Duration) (n int64, took time.Duration) {
	const conns, pipeline = 64, 16
	var count atomic.Int64
	var all sync.WaitGroup
	var list []net.Conn
	for range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	begin := time.Now()
	for _, c := range list {
		all.Go(func() {
			defer c.Close()
			p := make([]byte, 64*pipeline)
			for time.Since(begin) < d {
				if _, err := c.Write(p); err != nil {
					t.Error(err)
					return
				}
				if _, err := io.ReadFull(c, p); err != nil {
					t.Error(err)
					return
				}
				count.Add(pipeline)
			}
		})
	}
	all.Wait()
	return count.Load(), time.Since(begin)
}

func ownTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpu returns the processor time of all threads of a process, in user mode and kernel mode.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
