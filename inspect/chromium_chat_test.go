//go:build linux

package inspect_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const (
	state  = "document.getElementById('state').textContent"
	people = "document.getElementById('people').textContent"
	lines  = "[...document.querySelectorAll('#lines li')].map(l => l.textContent).join('|')"
)

// In the chat of examples/websocket two browsers show what either guest says, and show markup as
// text. When the server stops, both browsers report this. When a new server runs, they connect
// again.
func TestChat(t *testing.T) {
	if !runs(t) {
		return
	}
	at, stop := chat(t, "127.0.0.1:0")
	var tabs []*tab
	for i, name := range []string{"ann", "bob"} {
		b := open(t)
		b.size(400, 800, i == 0) // one of the two is a phone
		b.visit("http://" + at + "/")
		b.enters("name", name)
		b.until(state + " === 'connected as " + name + "'")
		tabs = append(tabs, b)
	}
	for _, b := range tabs {
		b.until(people + " === '2 people'")
	}
	const markup = `<img src=x onerror="alert(1)"> é 😀`
	tabs[0].enters("text", markup)
	tabs[1].until(lines + ".endsWith('|ann' + " + quote(markup) + ")")
	tabs[1].enters("text", "hello")
	for _, b := range tabs {
		b.until(lines + ".endsWith('|bobhello')")
		if n := eval[int](b, "document.querySelectorAll('#lines img').length"); n != 0 {
			t.Errorf("%d images", n)
		}
		if wide := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("the page is %d pixels too wide", wide)
		}
		b.quiet() // later errors on the console are expected
	}

	stop()
	for _, b := range tabs {
		b.until(state + ".startsWith('closed')")
	}
	_, stop = chat(t, at)
	for _, b := range tabs {
		b.until(people + " === '2 people'")
	}
	tabs[1].enters("text", "here again")
	tabs[0].until(lines + ".endsWith('|bobhere again')")
	stop()
}

// enters fills a field of the page and submits its form.
func (b *tab) enters(field, text string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf("(f => (f.value = %s, f.form.requestSubmit(), true))(document.getElementById(%s))", quote(text), quote(field)))
}

// chat runs examples/websocket, and returns its address.
func chat(t *testing.T, addr string) (at string, stop func()) {
	t.Helper()
	cmd := exec.Command(program(t, "websocket"), "-addr", addr, "-compress")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	text, err := bufio.NewReader(out).ReadString('\n')
	_, at, ok := strings.Cut(strings.TrimSpace(text), "http://")
	if err != nil || !ok {
		t.Fatalf("%q, %v", text, err)
	}
	return strings.TrimSuffix(at, "/"), func() {
		t.Helper()
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
