//go:build linux

package inspect_test

import (
	"bytes"
	"context"
	"flag"
	"image/png"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ureactor/ureactor/inspect"
	"github.com/ureactor/ureactor/reactor"
)

var update = flag.Bool("update", false, "write the pictures of doc/operating.md")

// shoot makes a picture of the window. With -update it stores the picture as doc/NAME.png.
func shoot(t *testing.T, b *tab, name string) {
	t.Helper()
	p := b.picture()
	img, err := png.DecodeConfig(bytes.NewReader(p))
	if err != nil || img.Width < 800 {
		t.Fatalf("%s: %+v, %v", name, img, err)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "doc", name+".png"), p, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// says waits until the page contains the text.
func (b *tab) says(text string) {
	b.t.Helper()
	b.until("document.body.innerText.includes(" + quote(text) + ")")
}

// reports is a Handler that makes a long report in its callback, and so blocks the loop.
type reports struct{}

func (h reports) Data(c *reactor.Conn, p []byte) {
	h.makeReport()
	_ = c.Send(p)
}

func (reports) Closed(*reactor.Conn, error) {}

//go:noinline
func (reports) makeReport() { time.Sleep(80 * time.Millisecond) }

// The pages lead to a slow callback: the page of the loops has a warning, and the events have the
// callback's stack.
func TestDiagnosisOfASlowCallback(t *testing.T) {
	if !runs(t) {
		return
	}
	g, err := reactor.NewGroup(1, reactor.WithSlowCallback(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	l, err := g.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return reports{} })
	if err != nil {
		t.Fatal(err)
	}
	go g.Run(context.Background())
	pages := httptest.NewServer(inspect.Handler(g.Loops()))
	defer func() {
		pages.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = g.Shutdown(ctx)
	}()
	b := open(t)
	b.size(1100, 620, false)
	b.visit(pages.URL + "/")
	c := dial(t, l.Addr().String(), 1)
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); { // so that the charts show it
		roundTrip(t, c, 1)
	}
	b.says("a callback took")
	shoot(t, b, "inspect-slow")
	b.visit(pages.URL + "/events")
	b.says("inspect_test.reports.makeReport")
	eval[any](b, "[...document.querySelectorAll('details')].find(d => d.innerText !== '').open = true")
	b.says("inspect/chromium_diagnoses_test.go")
	shoot(t, b, "inspect-slow-stack")
	b.quiet()
}

// The pages name a peer that does not read, and show how many bytes wait in which place.
func TestDiagnosisOfAPeerThatDoesNotRead(t *testing.T) {
	if !runs(t) {
		return
	}
	at, pages := start(t, 0)
	for i := range 5 {
		dial(t, at, 1000*(i+1))
	}
	c := dial(t, at, 1)
	_ = c.SetDeadline(time.Now().Add(time.Second))
	for p := make([]byte, 1<<20); ; { // until the kernel accepts no more
		if _, err := c.Write(p); err != nil {
			break
		}
	}
	b := open(t)
	b.size(1100, 520, false)
	b.visit(pages)
	b.says(c.LocalAddr().String() + " is stuck")
	b.says("the peer does not read")
	shoot(t, b, "inspect-stuck")
	b.visit(pages + "conns")
	b.says("back-pressure, blocked")
	shoot(t, b, "inspect-stuck-conns")
	b.quiet()
}

// If a process has no free descriptor, its page reports this. The page keeps one descriptor in
// reserve for itself.
func TestDiagnosisOfExhaustedDescriptors(t *testing.T) {
	if !runs(t) {
		return
	}
	at, pages := start(t, 40)
	var conns []net.Conn
	for range 60 {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	roundTrip(t, conns[0], 1)
	b := open(t)
	b.size(1100, 520, false)
	b.visit(pages)
	b.says("does not accept: too many open files")
	shoot(t, b, "inspect-descriptors")
	for _, c := range conns {
		c.Close()
	}
	b.says("Nothing needs attention.")
	b.quiet()
}
