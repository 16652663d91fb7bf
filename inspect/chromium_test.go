//go:build linux

package inspect_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The tests in the files chromium_*_test.go control Chromium over a pipe. They test the pages of
// this package, and the chat in examples/websocket. They also make the pictures in
// doc/operating.md:
//
//	go test ./inspect -long -update

// wait is how long a test waits for an event that must come.
const wait = longtest.Guard

// A tab is a page in Chromium. The test uses the DevTools protocol: JSON texts that end with a zero
// byte, on descriptors 3 and 4 of the process.
type tab struct {
	t       *testing.T
	to      io.Writer
	session string

	mu      sync.Mutex // guards the fields below
	id      int
	replies map[int]chan reply
	loads   chan struct{}
	errors  []string // on the console
}

type reply struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

// open starts Chromium. An error on its console fails the test.
func open(t *testing.T) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	theirIn, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &tab{t: t, to: to, replies: map[int]chan reply{}, loads: make(chan struct{}, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.listen(from)
	}()
	t.Cleanup(func() {
		_, _ = b.try("Browser.close", nil)
		to.Close()
		<-ended
		from.Close()
		_ = cmd.Wait()
	})
	var made struct{ TargetID string }
	b.call("Target.createTarget", params{"url": "about:blank"}, &made)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", params{"targetId": made.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

type params map[string]any

// listen receives messages until the browser has ended.
func (b *tab) listen(from io.Reader) {
	for in := bufio.NewReaderSize(from, 1<<20); ; {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			for _, c := range b.replies {
				close(c)
			}
			b.replies = nil
			b.mu.Unlock()
			return
		}
		var r reply
		if err := json.Unmarshal(text[:len(text)-1], &r); err != nil {
			b.note("not JSON: " + err.Error())
			continue
		}
		b.mu.Lock()
		if c := b.replies[r.ID]; c != nil && r.ID != 0 {
			c <- r
			delete(b.replies, r.ID)
		}
		b.mu.Unlock()
		b.event(&r)
	}
}

// event stores messages that the console would show as errors.
func (b *tab) event(r *reply) {
	text := string(r.Params)
	switch r.Method {
	case "Page.loadEventFired":
		select {
		case b.loads <- struct{}{}:
		default: // nobody waits for the reply
		}
	case "Runtime.exceptionThrown":
		b.note(text)
	case "Log.entryAdded":
		if strings.Contains(text, `"level":"error"`) {
			b.note(text)
		}
	case "Runtime.consoleAPICalled":
		if strings.Contains(text, `"type":"error"`) {
			b.note(text)
		}
	}
}

func (b *tab) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errors = append(b.errors, text)
}

// try makes a call and returns its result.
func (b *tab) try(method string, p params) (json.RawMessage, error) {
	c := make(chan reply, 1)
	b.mu.Lock()
	if b.replies == nil {
		b.mu.Unlock()
		return nil, fmt.Errorf("%s: the browser has ended", method)
	}
	b.id++
	b.replies[b.id] = c
	message := params{"id": b.id, "method": method, "params": p}
	if p == nil {
		message["params"] = params{}
	}
	if b.session != "" && !strings.HasPrefix(method, "Browser.") {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case r, ok := <-c:
		if !ok {
			return nil, fmt.Errorf("%s: the browser has ended", method)
		}
		if r.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r.Result, nil
	case <-time.After(wait):
		return nil, fmt.Errorf("%s: no reply", method)
	}
}

// call makes a call. If the call fails, the test fails.
func (b *tab) call(method string, p params, result any) {
	b.t.Helper()
	r, err := b.try(method, p)
	if err == nil && result != nil {
		err = json.Unmarshal(r, result)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// visit loads a page.
func (b *tab) visit(url string) {
	b.t.Helper()
	b.loading(func() { b.call("Page.navigate", params{"url": url}, nil) })
}

// loading calls f, which loads another page, and waits until the page is loaded.
func (b *tab) loading(f func()) {
	b.t.Helper()
	for len(b.loads) > 0 {
		<-b.loads
	}
	f()
	select {
	case <-b.loads:
	case <-time.After(wait):
		b.t.Fatal("no page was loaded")
	}
}

// eval returns the value of a JavaScript expression.
func eval[T any](b *tab, expression string) (v T) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value T }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", params{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return r.Result.Value
}

// until waits until a JavaScript expression is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(wait); !eval[bool](b, expression); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not within %v: %s\n%s", wait, expression, eval[string](b, "document.body.innerText"))
		}
	}
}

// size sets the size of the window.
func (b *tab) size(wide, high int, mobile bool) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride",
		params{"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": mobile}, nil)
}

// picture returns a PNG of the window.
func (b *tab) picture() []byte {
	b.t.Helper()
	var r struct{ Data string }
	b.call("Page.captureScreenshot", params{"format": "png"}, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// quiet fails the test if there is an error on the console.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.errors {
		b.t.Error("console: ", e)
	}
}

// runs returns whether the test runs: only with -long. If Chromium is missing, the test is skipped.
func runs(t *testing.T) bool { return longtest.Only(t, "Chromium is started") }

// quote returns a text as a JavaScript literal.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
