//go:build unix

package inspector

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
)

var update = flag.Bool("update", false, "write testdata")

// Each page equals its file in testdata byte for byte. After an intended change, run go test
// ./internal/inspector -update.
func TestPagesAreGolden(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC)
	left, late := 12.5, -1.0
	h := New(Config{Loops: inspect(started(t)).Loops, Token: token, Level: new(slog.LevelVar)})
	conn := &connRow{ID: "0-7-1", Peer: "10.0.0.1:5", Local: "127.0.0.1:80", Handler: "*main.echo", State: []string{"back-pressure", "blocked"},
		Why: "the peer does not read", Age: 75, In: 1 << 20, Out: 999, InRate: 2048, OutRate: 5, Buffered: 3 << 10, Unsent: 77, Stuck: 4.5,
		High: 256 << 10, Limit: 4 << 20, Idle: &left, Read: &left, Write: &late, GiveUp: &left,
		TLS: &tlsRow{Version: "TLS 1.3", Cipher: "AES", ServerName: "a.example", ALPN: "h2"}}
	dials := &connRow{Loop: 1, Peer: "b.example:1", State: []string{"dialling"}, Unsent: -1, TLS: &tlsRow{Handshaking: true}}
	loop := &loopRow{Loop: 0, State: "runs", Utilization: 0.256, Lag: 0.001, Turn: 0.002, Present: 0.5, Turns: 1234, In: 5000, Out: 6000, Accepted: 7,
		Longest: 0.08, Callback: "a/b.handler", Conns: 8, Tasks: 9, Timers: 10, Posted: 11, Buffered: 12, Unsent: 1.5, Throttled: 13, Watched: 14}
	charts := [3][]float64{{0, 0.5, 1}, {0.0001}, {100, 200, 4096, 0}}
	for name, v := range map[string]view{
		"overview": &overviewPage{Findings: []finding{{"problem", "a title", "a text", "a\n  stack", "conns?a=1&b=2"}, {Level: "warning", Title: "b"}},
			Loops: []*loopRow{loop}, charts: [][3][]float64{charts}, Open: 12, Allowed: 34, LogLevel: "INFO",
			Listeners: []*listenerRow{{ID: "0-3-1", Addr: "a:1", State: "accepts", Conns: 1, MaxConns: 2, Waiting: 3, Backlog: 4},
				{ID: "0-4-1", Loop: 1, Addr: "a:2", State: "paused", Waiting: -1, Backlog: 5, paused: true}},
			Packets: []*packetRow{{Loop: 1, Addr: "u:1", Handler: "h", State: "receives", Queued: 6}},
			Timers:  []*timersRow{{Loop: 1, Func: "f", N: 2, First: 3, Last: 4}}},
		"quiet": &overviewPage{Loops: []*loopRow{loop}, charts: [][3][]float64{{}}, Open: -1},
		"conns": &connsPage{Conns: []*connRow{conn, dials}, Total: 900, Found: 300, Page: 2, Pages: 3,
			query: connQuery{sort: "in", asc: true, find: "a&b", loop: 1, n: 7}},
		"conns-first": &connsPage{Conns: []*connRow{conn}, Total: 200, Found: 200, Page: 1, Pages: 2, query: connQuery{sort: "age", loop: -1, n: rowsUsual}},
		"conn":        conn,
		"dials":       dials,
		"tasks": &tasksPage{Total: 3, Watched: 2, Tasks: []*taskRow{{ID: "0-ff", Func: "f", Waits: "sleeps", For: 2, Until: &left}, {ID: "1-1", Waits: "runs"}},
			Watches: []*watchRow{{Loop: 1, FD: 4, Kind: "socket of tasks", Peer: "p", Want: "input", Waiters: []string{"0-ff", "1-1"}}}},
		"task": &taskRow{ID: "0-ff", Func: "f", Waits: "sleeps", For: 2, stack: "s <t>"},
		"events": &eventsPage{Slows: 5, Failed: 6, Slow: []*slowRow{{Time: at, Took: 0.5, FD: -1, Peer: "p", Stack: "main.f(0x1)\n    f.go:1"}, {Time: at, FD: 3}},
			Log: []*lineRow{{Time: at, Text: "warn: x"}}, Ends: []*lineRow{{Time: at, Loop: 1, Peer: "p", Text: "reset"}}},
		"no-events": &eventsPage{},
		"loop":      &loopView{loopRow: *loop, Stack: "a stack", charts: charts},
		"asleep":    &loopView{loopRow: *loop, charts: charts},
		"result":    &result{Action: "abort", ID: "0-7-1", Result: "done"},
	} {
		p := &page{h: h, name: strings.TrimSuffix(name, "-first")}
		p.whole(v)
		got := strings.ReplaceAll(string(p.b), "><", ">\n<") + "\n"
		path := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is another page now:\n%s", path, got)
		}
		balanced(t, name, got)
	}
}

// balanced fails the test unless each element ends inside its parent.
func balanced(t *testing.T, name, html string) {
	t.Helper()
	alone := " !doctype meta link input " // elements without an end tag
	var open []string
	for rest := html; ; {
		_, tag, ok := strings.Cut(rest, "<")
		if !ok {
			break
		}
		tag, rest, _ = strings.Cut(tag, ">")
		word, _, _ := strings.Cut(tag, " ")
		switch {
		case strings.Contains(alone, " "+word+" "), strings.HasSuffix(tag, "/"):
		case strings.HasPrefix(word, "/"):
			if len(open) == 0 || open[len(open)-1] != word[1:] {
				t.Errorf("%s: <%s> after %v", name, word, open)
				return
			}
			open = open[:len(open)-1]
		default:
			open = append(open, word)
		}
	}
	if len(open) > 0 {
		t.Errorf("%s: %v are open", name, open)
	}
}

// Sampling continues while requests arrive, ends 15 s after the last request, and starts again with
// the next request.
func TestSamplingEndsWhenNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sampler{} // this test does not need its loops
		runs := func() bool {
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.running
		}
		for range 2 {
			s.look()
			time.Sleep(unasked - time.Second)
			if s.look(); !runs() {
				t.Error("it ends while somebody looks")
			}
			time.Sleep(unasked - time.Second)
			if !runs() {
				t.Error("it ends early")
			}
			time.Sleep(3 * time.Second)
			if runs() {
				t.Error("it does not end")
			}
		}
	})
}

// Figures describe the time between two samples. A chart keeps the last 120 values, and is emptied
// after a long time without requests.
func TestSamples(t *testing.T) {
	r := started(t)
	at := listen(t, r, "tcp", accept)
	l := &loop{r: r}
	now := time.Now()
	l.sample(now)
	if l.now.span != l.now.load || len(l.charts[0]) != 0 {
		t.Errorf("the first: %+v", l.now)
	}
	dial(t, at)
	eventually(t, "the echo is counted", func() bool { return r.Stats().BytesOut == 1 })
	now = now.Add(500 * time.Millisecond)
	l.sample(now)
	if n := l.now.rates; n.in != 2 || n.out != 2 || n.accepted != 2 || n.turns == 0 || l.charts[2][0] != 4 {
		t.Errorf("%+v, %v", n, l.charts)
	}
	for range points + 5 {
		now = now.Add(every)
		l.sample(now)
	}
	if n := l.now.rates; n.in != 0 || n.out != 0 || len(l.charts[0]) != points || len(l.charts[2]) != points || l.charts[2][0] != 0 {
		t.Errorf("%+v, %d points", n, len(l.charts[0]))
	}
	l.sample(now.Add(time.Minute))
	if len(l.charts[0]) != 0 {
		t.Error("the charts have a gap")
	}
}

// A bucket allows burst calls at first and after a pause, and perSecond calls in each second
// otherwise.
func TestBucket(t *testing.T) {
	b := bucket{left: burst}
	now := time.Now()
	take := func() (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	if n := take(); n != burst {
		t.Errorf("%d at first", n)
	}
	now = now.Add(time.Second)
	if n := take(); n != perSecond {
		t.Errorf("%d in a second", n)
	}
	now = now.Add(time.Hour)
	if n := take(); n != burst {
		t.Errorf("%d after a pause", n)
	}
}

// A finding about a listener or a descriptor says what to do.
func TestFindingsSayWhatHelps(t *testing.T) {
	for cause, says := range map[kernel.Errno]string{kernel.EMFILE: "ulimit -n", kernel.ENFILE: "any process",
		kernel.ENOBUFS: "no memory", kernel.EPERM: "ten times a second"} {
		p := newPicture(&inside.Loop{Listeners: []inside.Listener{{Addr: "a:1", Suspended: true, Cause: cause}}}, nil)
		if list := p.findings(0); len(list) != 1 || !strings.Contains(list[0].Text, says) || !strings.HasPrefix(list[0].Title, "the listener at a:1 does not accept: ") {
			t.Errorf("%v: %+v", cause, list)
		}
	}
	p := newPicture(&inside.Loop{Listeners: []inside.Listener{{Addr: "a:1", Full: true, Conns: 7}, {Addr: "b:1", Paused: true}, {Addr: "c:1"}}}, nil)
	if list := p.findings(0); len(list) != 2 || !strings.Contains(list[0].Title, "full: 7 connections") || !strings.Contains(list[1].Title, "b:1 is paused") {
		t.Errorf("%+v", list)
	}
	for open, want := range map[int]int{-1: 0, 899: 0, 900: 1, 1000: 1} {
		if list := filesFindings(open, 1000); len(list) != want {
			t.Errorf("%d of 1000: %+v", open, list)
		}
	}
	many := manyConns(3000, 10000*second) // 30 are blocked, 27 of them for 3 s or longer
	if list := newPicture(many, nil).findings(0); len(list) != named+1 || !strings.HasPrefix(list[named].Title, "22 more peers") ||
		!strings.Contains(list[0].Text, "for 29.0 s") {
		t.Errorf("%+v", list)
	}
}
