//go:build unix

package inspector

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/timeout"
)

var peer = kernel.Addr{Family: 2, IP: [16]byte{10, 0, 0, 9}, Port: 9}

// Each task shows what it waits for (a descriptor, a Poll or another task), and for how long.
func TestWhatTasksWaitFor(t *testing.T) {
	now := 100 * second
	task := func(id uintptr, why inside.Reason) inside.Task {
		return inside.Task{ID: id, Func: "a/b.f", Reason: why, Since: now - 5*second, Until: timeout.Never}
	}
	output, gone := task(7, inside.Event), task(10, inside.Sleep)
	output.Output, gone.Cancelled = true, true
	p := newPicture(&inside.Loop{Now: now,
		Watches: []inside.Watch{
			{ID: inside.ID{FD: 4}, Kind: inside.ByTask, Waiters: []uintptr{6}, Peer: peer},
			{ID: inside.ID{FD: 5}, Kind: inside.ByTask, Waiters: []uintptr{7}},
			{ID: inside.ID{FD: 6}, Kind: inside.ByPoll, Waiters: []uintptr{8}, Objects: 3},
		},
		Tasks: []inside.Task{task(1, inside.Sleep), task(2, inside.Join), task(3, inside.Await), task(4, inside.Turn), task(5, inside.Released),
			task(6, inside.Event), output, task(8, inside.Event), task(9, inside.Event), gone,
			{ID: 0xb, Reason: inside.Turn, Joiners: []uintptr{2}, Until: timeout.Never}},
	}, nil)
	w := p.waits()
	for i, want := range []string{"sleeps", "joins task 3-b", "awaits a goroutine", "runs in the next turn", "runs",
		"waits for input at descriptor 4 (10.0.0.9:9)", "waits for room for output at descriptor 5", "polls 3 objects", "waits for input",
		"sleeps; cancelled", "runs in the next turn"} {
		row := p.task(3, &p.Tasks[i], w)
		asleep := i != 3 && i != 4 && i != 10
		if row.Waits != want || (row.For == 5) != asleep || row.Until != nil {
			t.Errorf("%d: %+v, want %q", i, row, want)
		}
	}
	w.joins = nil
	if row := p.task(3, &p.Tasks[1], w); row.Waits != "joins a task" {
		t.Errorf("%+v", row)
	}
	for want, text := range map[poller.Interest]string{0: "nothing", poller.In: "input", poller.Out: "output", poller.In | poller.Out | poller.Edge: "input, output"} {
		if got := wantText(want); got != text {
			t.Errorf("%v: %q", want, got)
		}
	}
}

// The text contains the most important parts of all pages: findings, listeners, datagram sockets,
// timers, and the first connections and tasks.
func TestTextOfAPicture(t *testing.T) {
	now := 100 * second
	loop := manyConns(30, now)
	loop.Conns[3].State, loop.Conns[3].Buffered, loop.Conns[3].Stuck = inside.Blocked, 2048, now-4*second
	loop.Listeners = []inside.Listener{{Addr: "l:1", Full: true, Conns: 3}}
	loop.Packets = []inside.Packet{{Addr: "u:1", Queued: 4, Suspended: true}, {Addr: "u:2", Blocked: true}}
	loop.Timers = []inside.Timers{{Func: "x/reactor.(*Conn).due-fm", N: 5, First: now + 6*second, Last: now + 7*second},
		{Func: "x/reactor.(*Task).timerFired-fm", N: 1}, {Func: "x/reactor.(*Conn).dialTimedOut-fm", N: 1}}
	loop.Tasks = []inside.Task{{ID: 0xa, Func: "a/b.f", Reason: inside.Sleep, Since: now - 8*second, Until: timeout.Never}}
	h := pictured(t, newPicture(loop, nil))
	var b bytes.Buffer
	if err := h.writeText(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if !strings.HasPrefix(lines[0], "loop 0 has ended: utilization ") {
		t.Errorf("%q", lines[0])
	}
	first := strings.Join(lines[1:11], "\n")
	want := `  warning: the listener at l:1 is full: 3 connections are open. More wait in the backlog until one of them has closed.
  problem: 10.0.0.3:3 is stuck. the peer does not read: for 4.0 s its side has accepted nothing; 2.0 KiB wait here
  listener l:1: full, 3 connections
  datagrams at u:1: suspended after an error, 4 wait to be sent
  datagrams at u:2: the kernel accepts no more, 0 wait to be sent
  5 timers: deadlines of connections, the first in 6.0 s
  1 timers: tasks that sleep or wait with a deadline, the first in 0 s
  1 timers: dials, the first in 0 s
30 connections
  0-8-1 10.0.0.3:3: blocked; age 3.0 s, in 27 B, out 27 B, buffered 2.0 KiB; the peer does not read: for 4.0 s its side has accepted nothing; 2.0 KiB wait here`
	if first != want {
		t.Errorf("got\n%s\nwant\n%s", first, want)
	}
	last := strings.Join(lines[len(lines)-2:], "\n")
	if last != "1 tasks\n  0-a b.f: sleeps for 8.0 s" || len(lines) != 10+textRows+2 {
		t.Errorf("%d lines, the last\n%s", len(lines), last)
	}
}

// In each state a Conn shows why it does not continue.
func TestWhyInEachState(t *testing.T) {
	for state, want := range map[inside.State]string{
		0:                                    "",
		inside.Dialling:                      "waits for the connect; gives up in 5.0 s",
		inside.Opening:                       "waits for the peer's part of the handshake",
		inside.Broken:                        "output has failed (broken pipe); input is read to its end",
		inside.Closing:                       "closing: waits for the peer's FIN; gives up in 5.0 s",
		inside.Closing | inside.Blocked:      "closing: the peer reads slowly: for 1.0 s its side has accepted nothing; 9 B wait here; gives up in 5.0 s",
		inside.Blocked:                       "the peer reads slowly: for 1.0 s its side has accepted nothing; 9 B wait here",
		inside.BackPressured:                 "not read until at most 1.0 KiB of output wait",
		inside.Paused:                        "not read: the program has called Pause",
		inside.Waiting:                       "has more input than one turn reads",
		inside.PeerEnded | inside.WriteEnded: "",
	} {
		c := &inside.Conn{State: state, Buffered: 9, Unsent: -1, Low: 1 << 10, Failure: errors.New("broken pipe")}
		left := 5.0
		if got := why(c, &connRow{Stuck: 1, GiveUp: &left}); got != want {
			t.Errorf("%v: %q, want %q", stateText(state), got, want)
		}
	}
}

// A loop hangs before any request has measured it. The first text shows the hang and the stack.
// However many texts are requested, at most one request for a picture waits in the loop.
func TestFirstLookShowsAHang(t *testing.T) {
	if !longtest.Default(t, "a loop hangs for a second") {
		return
	}
	t.Parallel()
	r := started(t)
	allStacks.get(time.Now()) // older stacks must not be used
	until, begun := make(chan struct{}), make(chan struct{})
	defer close(until)
	if err := r.Post(func() { close(begun); stand(until) }); err != nil {
		t.Fatal(err)
	}
	<-begun
	var b strings.Builder
	if err := WriteText(&b, []*reactor.Reactor{r}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, "loop 0 hangs for ") || !strings.Contains(s, "inspector.stand") {
		t.Errorf("the first look:\n%s", s)
	}
	eventually(t, "it hangs for long", func() bool { return r.Load().Present >= every })
	before := r.Stats().Posted
	for range 3 {
		if err := WriteText(io.Discard, []*reactor.Reactor{r}); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Stats().Posted; n != before {
		t.Errorf("%d posts wait after three looks, %d before", n, before)
	}
}

// A loop that nobody runs has a text. However often the text is requested, at most 16 requests for
// a picture wait in the loop.
func TestTextOfALoopThatNeverRunsLeavesLittle(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		r.Close()
		for r.Turn(timeout.Past) == nil {
		}
	}()
	var all sync.WaitGroup // each of them waits for patience
	for range 40 {
		all.Go(func() {
			var b strings.Builder
			if err := WriteText(&b, []*reactor.Reactor{r}); err != nil || !strings.Contains(b.String(), "loop 0") {
				t.Errorf("%q, %v", &b, err)
			}
		})
	}
	all.Wait()
	eventually(t, "all have asked", func() bool { return r.Stats().Posted > 0 })
	if n := r.Stats().Posted; n > 16 {
		t.Errorf("%d posts wait", n)
	}
	if err := r.Turn(timeout.Past); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	_ = WriteText(&b, []*reactor.Reactor{r})
	if n := r.Stats().Posted; n == 0 {
		t.Error("after a turn no picture is asked for")
	}
}
