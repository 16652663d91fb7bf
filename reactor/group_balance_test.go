//go:build unix

package reactor

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
)

// The connections of two loops end. New ones are passed to these two loops, until all loops have
// the same number again.
func TestLeastConnsFillsUp(t *testing.T) {
	g := group(t, 4)
	l := groupListen(t, g, "tcp", acceptEcho, WithBalance(LeastConns))
	home := map[int][]net.Conn{}
	for range 40 {
		c := connect(t, l.Addr())
		before := g.Stats().BytesIn
		roundTrip(t, c, "whose am I?")
		for i, r := range g.loops {
			for g.Stats().BytesIn == before {
				time.Sleep(time.Millisecond)
			}
			if r.Stats().Conns > len(home[i]) {
				home[i] = append(home[i], c)
			}
		}
	}
	for _, c := range append(home[1], home[3][:5]...) {
		c.Close()
	}
	conns(t, g, 40-15)
	for range 15 {
		connect(t, l.Addr())
	}
	if each := fmt.Sprint(conns(t, g, 40)); each != "[10 10 10 10]" {
		t.Errorf("connections by loop: %s", each)
	}
}

// WithMaxConns counts exactly, over all loops. With 5 connections open, the sixth one waits until
// one of them ends, even if that one is on another loop.
func TestGroupMaxConns(t *testing.T) {
	g := group(t, 3)
	l := groupListen(t, g, "tcp", acceptEcho, WithMaxConns(5))
	var open []net.Conn
	for range 9 {
		open = append(open, connect(t, l.Addr()))
	}
	for _, c := range open[:5] {
		roundTrip(t, c, "in")
	}
	for i, c := range open[5:] {
		conns(t, g, 5)
		open[i].Close()
		roundTrip(t, c, "in")
	}
	if each := conns(t, g, 5); g.Stats().Accepted != 9 {
		t.Errorf("%d accepted, %v open", g.Stats().Accepted, each)
	}
}

// There are 2,000 connections (10,000 with -long). With ByAddress, the number of connections of
// each loop is within 10 % of an equal share. With RoundRobin and LeastConns, the number is exactly
// an equal share. The clients are in another process. So their descriptors do not count for the
// limit of this process.
func TestConnsAreBalanced(t *testing.T) {
	if !longtest.Default(t, "many connections") {
		return
	}
	many := longtest.Count(1000, 1000, 10_000)
	if raceEnabled {
		many = min(many, 2000)
	}
	for _, b := range []Balance{ByAddress, LeastConns} {
		if b == ByAddress && kernel.SO_BALANCE == 0 {
			continue
		}
		g := group(t, 2)
		l := groupListen(t, g, "tcp", acceptEcho, WithBalance(b))
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"=crowd", fmt.Sprint("CROWD=", many, " ", l.Addr()))
		leave, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		gone := make(chan error, 1)
		go func() { gone <- cmd.Wait() }()
		for g.Stats().Conns < many {
			select {
			case <-gone:
				t.Skip("a machine with fewer descriptors: ", said.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
		each := conns(t, g, many)
		leave.Close()
		if err := <-gone; err != nil {
			t.Error(err, said.String())
		}
		share := many / len(each)
		t.Log(each)
		for _, n := range each {
			off := max(n-share, share-n)
			if b == ByAddress && off > share/10 || b == LeastConns && off > 0 {
				t.Errorf("balance %d: %v", b, each)
			}
		}
	}
}

func init() { children["crowd"] = crowd }

// crowd connects, waits for the end of standard input, and resets. Because of the resets, later
// tests find no connections in TIME_WAIT.
func crowd() {
	var many int
	var addr string
	fmt.Sscan(os.Getenv("CROWD"), &many, &addr)
	var all []net.Conn
	for range many {
		c, err := net.Dial("tcp", addr)
		require(err == nil, "%v", err)
		all = append(all, c)
	}
	io.Copy(io.Discard, os.Stdin)
	for _, c := range all {
		resetConn(c)
	}
}
