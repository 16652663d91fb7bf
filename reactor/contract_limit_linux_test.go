package reactor

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
)

func init() { children["descriptors"] = atDescriptorLimit }

// Contract 4. The process has a limit that leaves the server 40 descriptors. 120 peers connect,
// whose sockets were made before. The server continues, serves the connections that it has, and
// tries to accept at most ten times a second. When descriptors are free again, it accepts the other
// peers.
func TestDescriptorLimitIsSurvived(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
	t.Parallel()
	mustChild(t, "descriptors")
}

func atDescriptorLimit() {
	r, err := New()
	require(err == nil, "%v", err)
	l, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho)
	require(err == nil, "%v", err)
	done := make(chan error, 1)
	const many = 120
	var peers []int
	for range many {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		require(err == nil, "%v", err)
		peers = append(peers, fd)
	}
	time.Sleep(time.Nanosecond) // a first timer, so that Go's own poller opens its descriptors now
	used := len(fds())
	lim := unix.Rlimit{Cur: uint64(used + 40), Max: uint64(used + 40)}
	require(unix.Setrlimit(unix.RLIMIT_NOFILE, &lim) == nil, "setrlimit")
	go func() { done <- r.Run(context.Background()) }()

	to := &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	for _, fd := range peers {
		require(unix.Connect(fd, to) == nil, "connect") // the connections wait in the backlog
	}
	for r.Stats().Refused == 0 {
		runtime.Gosched()
	}
	start, refused, accepted := time.Now(), r.Stats().Refused, r.Stats().Accepted
	require(accepted > 10 && accepted < many, "%d accepted", accepted)
	for r.Stats().Refused < refused+10 { // the server continues, and tries again
		echoRaw(peers[0])
		echoRaw(peers[5])
		time.Sleep(time.Millisecond)
	}
	tries, took := r.Stats().Refused-refused, time.Since(start)
	require(float64(tries) <= took.Seconds()*10+1, "%d accept tries in %v", tries, took)

	// Each peer that ends frees a descriptor, so a peer that waits is accepted, until all were
	// served.
	for _, fd := range peers {
		echoRaw(fd)
		unix.Close(fd)
	}
	require(r.Stats().Accepted == many, "%d of %d accepted in the end", r.Stats().Accepted, many)
	err = r.Shutdown(context.Background())
	require(err == nil && <-done == nil, "Shutdown: %v", err)
	fmt.Printf("%d accept tries in %v\n", tries, took)
}

func echoRaw(fd int) {
	_, err := unix.Write(fd, []byte("ping"))
	require(err == nil, "write: %v", err)
	p := make([]byte, 4)
	n, err := unix.Read(fd, p)
	require(err == nil && string(p[:n]) == "ping", "read %q: %v", p[:n], err)
}

// fds returns the descriptors of this process.
func fds() map[string]string {
	list := map[string]string{}
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, e := range dir {
		// The list omits the directory itself.
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			list[e.Name()] = to
		}
	}
	return list
}
