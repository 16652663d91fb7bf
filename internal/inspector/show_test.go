//go:build unix

package inspector

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

const markup = `<script>alert("x")</script>`

// Every page escapes all text that a peer controls: the path of its Unix socket, its server name,
// the text of an error, and control characters for a terminal.
func TestPeersTextIsEscaped(t *testing.T) {
	p := manyConns(2, 100*second)
	p.Conns[0].Peer = kernel.Addr{Family: kernel.Addr{}.Family + 1, Path: "/tmp/" + markup + "\x1b[31m\u202e"}
	p.Conns[0].State, p.Conns[0].Failure = inside.Broken, errors.New(markup)
	p.Conns[0].TLS = &inside.TLS{ServerName: markup, ALPN: markup, Version: "TLS 1.3"}
	p.Conns[0].Handler, p.Conns[0].Local = markup, markup
	p.Conns[1].State, p.Conns[1].Dials = inside.Dialling, markup
	p.Listeners = []inside.Listener{{Addr: markup, Suspended: true}}
	p.Packets = []inside.Packet{{Addr: markup, Handler: markup}}
	p.Timers = []inside.Timers{{Func: markup}}
	p.Tasks = []inside.Task{{ID: 1, Func: "<b>" + markup}}
	p.Watches = []inside.Watch{{Calls: markup, Peer: p.Conns[0].Peer}}
	h := pictured(t, newPicture(p, nil))
	for _, page := range []string{"", "conns?q=script", "conn?id=0-5-1", "conn?id=0-6-1", "tasks", "task?id=0-1"} {
		s := get(h, page).body
		if strings.Contains(s, "<script>") || strings.Contains(s, "alert(\"") || strings.ContainsAny(s, "\x1b\u202e") {
			t.Errorf("%q has what a peer sent:\n%s", page, s)
		}
		if !strings.Contains(s, "script&gt;") {
			t.Errorf("%q does not show it at all:\n%s", page, s)
		}
	}
	if s := get(h, "conns?format=json").body; strings.ContainsAny(s, "<>\x1b\u202e") {
		t.Errorf("JSON:\n%s", s)
	}
	if s := get(h, "conns?q=%22%3E%3Cscript%3Ealert(%22").body; strings.Contains(s, "<script>") || strings.Contains(s, `""`+">") {
		t.Errorf("the filter itself:\n%s", s)
	}
}

// The test uses real connections: one peer has markup in the path of its Unix socket, and another
// has markup in its server name. Every page escapes both.
func TestRealPeersTextIsEscaped(t *testing.T) {
	t.Parallel()
	r := started(t)
	dir, err := os.MkdirTemp("", "i")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	on(t, r, func() {
		if _, err := r.Listen("unix", filepath.Join(dir, "s"), accept); err != nil {
			t.Error(err)
		}
	})
	c, err := net.DialUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "<b>peer")}, &net.UnixAddr{Name: filepath.Join(dir, "s")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cert, err := selfsigned.New("localhost")
	if err != nil {
		t.Fatal(err)
	}
	at := listen(t, r, "tcp", accept, netconn.WithHandshakeTimeout(&tls.Config{Certificates: []tls.Certificate{cert}}, time.Hour))
	s, err := tls.Dial("tcp", at.String(), &tls.Config{ServerName: "<b>name", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := inspect(r)
	eventually(t, "both are shown", func() bool {
		list := decode[connsPage](t, h, "conns").Conns
		return len(list) == 2 && (list[0].TLS != nil && !list[0].TLS.Handshaking || list[1].TLS != nil && !list[1].TLS.Handshaking)
	})
	for _, row := range decode[connsPage](t, h, "conns").Conns {
		page := get(h, "conn?id="+row.ID).body
		if strings.Contains(page, "<b>name") || strings.Contains(page, "<b>peer") || !strings.Contains(page, "&lt;b&gt;") {
			t.Errorf("%+v:\n%s", row, page)
		}
	}
}

// If a loop hangs, the page says so and shows the stack of the callback. The page itself does not
// hang, and an action reports that it waits.
func TestHangingLoopIsShown(t *testing.T) {
	if !longtest.Default(t, "a loop hangs for a second") {
		return
	}
	t.Parallel()
	r := started(t)
	dial(t, listen(t, r, "tcp", accept))
	h := New(Config{Loops: []*reactor.Reactor{r}, Token: token})
	before := decode[connsPage](t, h, "conns")
	end := make(chan struct{})
	if err := r.Post(func() { stand(end) }); err != nil {
		t.Fatal(err)
	}
	var o overviewPage
	hangs := func() bool {
		o = decode[overviewPage](t, h, "")
		says := strings.HasPrefix(o.Loops[0].State, "hangs for ")
		shows := len(o.Findings) > 0 && strings.Contains(o.Findings[0].Title, "loop 0 hangs") && strings.Contains(o.Findings[0].Stack, "inspector.stand")
		if says != shows {
			t.Fatalf("the page says that the loop %s, and the findings are %+v", o.Loops[0].State, o.Findings)
		}
		return says
	}
	eventually(t, "it hangs", hangs)
	if name := culprit(o.Findings[0].Stack); name != "inspector.stand" {
		t.Errorf("the culprit is %q", name)
	}
	for page, has := range map[string]string{"": "inspector.stand", "conns": before.Conns[0].Peer, "loop?id=0": "inspector.stand", "tasks": "0 tasks"} {
		if s := get(h, page).body; !strings.Contains(s, has) {
			t.Errorf("%q does not have %q:\n%s", page, has, s)
		}
	}
	if w := post(h, form("abort", before.Conns[0].ID, token)); w.Code != codeGatewayTimeout || !strings.Contains(w.body, "waits for its next turn") {
		t.Errorf("an action: %d %s", w.Code, w.body)
	}
	var text bytes.Buffer
	if err := WriteText(&text, []*reactor.Reactor{r}); err != nil || !strings.Contains(text.String(), "inspector.stand") {
		t.Errorf("%v\n%s", err, &text)
	}
	close(end)
	eventually(t, "it goes on", func() bool { return !hangs() && o.Loops[0].State == "runs" })
	eventually(t, "the action is done", func() bool { return r.Stats().Conns == 0 })
}

// A finding names a peer that does not read, with the reason and the number of bytes that wait.
func TestStuckPeerIsNamed(t *testing.T) {
	p := manyConns(3, 100*second)
	p.Conns[1].State, p.Conns[1].Stuck = inside.Blocked|inside.BackPressured, 88*second
	p.Conns[1].Buffered, p.Conns[1].Unsent, p.Conns[1].Low = 3<<20, 4<<10, 64<<10
	h := pictured(t, newPicture(p, nil))
	want := "the peer does not read: for 12.0 s its side has accepted nothing; 3.0 MiB wait here and 4.0 KiB in the kernel; not read until at most 64.0 KiB wait"
	o := decode[overviewPage](t, h, "")
	peer := addrText(p.Conns[1].Peer)
	for _, f := range o.Findings {
		if f.Title == peer+" is stuck" && f.Text == want && f.Link == "conn?id=0-6-1" {
			return
		}
	}
	t.Errorf("want %q of %s: %+v", want, peer, o.Findings)
}

// Slow callbacks, warnings and connections that ended with an error are listed, the latest first.
func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	r := started(t, reactor.WithSlowCallback(time.Millisecond))
	at := listen(t, r, "tcp", accept)
	for range 2 {
		on(t, r, func() {
			for begin := time.Now(); time.Since(begin) < 2*time.Millisecond; {
			}
		})
	}
	c := dial(t, at).(*net.TCPConn)
	_ = c.SetLinger(0)
	c.Close()
	h := inspect(r)
	var v eventsPage
	eventually(t, "all are there", func() bool {
		v = decode[eventsPage](t, h, "events")
		return len(v.Slow) >= 2 && len(v.Log) >= 2 && len(v.Ends) == 1
	})
	ours := 0
	for i, s := range v.Slow { // on a busy machine other callbacks are slow too
		if s.Took >= 0.002 && s.FD == -1 {
			ours++
		}
		if i > 0 && s.Time.After(v.Slow[i-1].Time) {
			t.Errorf("%d comes after an earlier one", i)
		}
	}
	if ours < 2 || v.Slows < 2 {
		t.Errorf("%d of %d", ours, v.Slows)
	}
	if e := v.Ends[0]; e.Peer != c.LocalAddr().String() || !strings.Contains(e.Text, "reset") || v.Failed != 1 {
		t.Errorf("%+v", e)
	}
	slow := func(l *lineRow) bool { return strings.HasPrefix(l.Text, "warn: slow callback took=") }
	if !slices.ContainsFunc(v.Log, slow) { // the watchdog may have logged it while it ran
		t.Errorf("%d lines, the first: %+v", len(v.Log), v.Log[0])
	}
}

// Each task is shown with the object for which it waits: a Poll or a descriptor. Its stack contains
// a function of the program. The tasks that have waited longest are first.
func TestTasksAreShown(t *testing.T) {
	t.Parallel()
	r := started(t)
	sleeps, polls := make(chan struct{}), make(chan struct{})
	on(t, r, func() {
		r.Go(func(t *reactor.Task) {
			close(sleeps)
			deep(t)
		})
	})
	<-sleeps
	at := listen(t, r, "tcp", accept)
	peer, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	on(t, r, func() {
		r.Go(func(*reactor.Task) {
			c, err := netconn.On(r).Dial("tcp", peer.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = c.Read(make([]byte, 1))
		})
		r.Go(func(*reactor.Task) {
			p := sel.NewOn(r)
			for range 3 {
				s, err := socket.NewOn(r, socket.AF_INET, socket.SOCK_STREAM, 0)
				if err == nil {
					err = s.Bind(socket.Tuple("127.0.0.1", 0))
				}
				if err == nil {
					err = s.Listen(1)
				}
				if err == nil {
					err = p.Register(s, sel.POLLIN)
				}
				if err != nil {
					t.Error(err)
				}
			}
			close(polls)
			_, _ = p.Poll(-1)
		})
	})
	<-polls
	h := inspect(r)
	want := map[string]string{ // by the reason of the wait
		"sleeps":              "inspector.TestTasksAreShown.func1.1",
		"polls 3 objects":     "inspector.TestTasksAreShown.func2.2",
		"waits for input at ": "inspector.TestTasksAreShown.func2.1",
	}
	var v tasksPage
	eventually(t, "all wait", func() bool {
		v = decode[tasksPage](t, h, "tasks")
		found := 0
		for _, task := range v.Tasks {
			for waits, name := range want {
				if strings.HasPrefix(task.Waits, waits) && task.Func == name {
					found++
				}
			}
		}
		return found == len(want) && len(v.Tasks) == found
	})
	first := v.Tasks[0]
	if first.Until == nil || *first.Until < 60 || *first.Until > 3600 || first.Waits != "sleeps" {
		t.Errorf("%+v", first)
	}
	kinds := map[string]int{}
	for _, w := range v.Watches {
		if kinds[w.Kind] = len(w.Waiters); w.Kind == "socket of tasks" && w.Peer != peer.Addr().String() {
			t.Errorf("%+v", w)
		}
	}
	if kinds["Poll of 3 objects"] != 1 || kinds["socket of tasks"] != 1 || len(v.Watches) != 2 {
		t.Errorf("%v: %+v; the listener at %v is none of them", kinds, v.Watches, at)
	}
	allStacks.mu.Lock()
	allStacks.text = "" // the stacks that another test has read may be a second old
	allStacks.mu.Unlock()
	if page := get(h, "task?id="+first.ID).body; !strings.Contains(page, "inspector.deep") {
		t.Errorf("its stack is not there:\n%s", page)
	}
}
