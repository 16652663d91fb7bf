//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long a test waits for an event that must come.
const limit = longtest.Guard

// start runs a room until the test ends, or until stop is called.
func start(t *testing.T, opts ...websocket.Option) (at string, stop func()) {
	t.Helper()
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	room, err := newRoom(r, opts...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", room.server.Accept)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	check := func(err error) {
		var rest *reactor.UndeliveredError // for guests that have closed without reading
		if err != nil && !errors.As(err, &rest) {
			t.Error(err)
		}
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		check(r.Shutdown(ctx))
	}
	t.Cleanup(func() {
		stop()
		check(<-ended)
	})
	return l.Addr().String(), stop
}

// A visitor is the browser of a guest.
type visitor struct {
	*websocket.Stream
	t *testing.T
}

// join connects, and waits until the room has announced the guest.
func join(t *testing.T, at, name string, opts ...websocket.Option) visitor {
	t.Helper()
	s, err := try(at, name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.NetConn().Close() })
	v := visitor{s, t}
	v.until("", name+" is here")
	return v
}

func try(at, name string, opts ...websocket.Option) (*websocket.Stream, error) {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(limit))
	return websocket.NewStream(c, "ws://"+at+"/chat?name="+url.QueryEscape(name), opts...)
}

func (v visitor) say(text string) {
	v.t.Helper()
	if err := v.Send(websocket.Text, []byte(text)); err != nil {
		v.t.Fatal(err)
	}
}

// next returns the next line.
func (v visitor) next() (l line) {
	v.t.Helper()
	kind, p, err := v.Receive()
	if err == nil && kind != websocket.Text {
		err = fmt.Errorf("%v", kind)
	}
	if err == nil {
		err = json.Unmarshal(p, &l)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return l
}

// wants reads the next line and compares it.
func (v visitor) wants(from, text string, people int) {
	v.t.Helper()
	if l := v.next(); l != (line{from, text, people}) {
		v.t.Fatalf("%.200v, want %q from %q, %d people", l, text, from, people)
	}
}

// until reads lines until this one.
func (v visitor) until(from, text string) {
	v.t.Helper()
	for l := v.next(); l.From != from || l.Text != text; l = v.next() {
	}
}

// closed reads to the end, and returns the code that the room has sent.
func (v visitor) closed() websocket.Code {
	v.t.Helper()
	for {
		_, _, err := v.Receive()
		if why, ok := errors.AsType[*websocket.CloseError](err); ok {
			return why.Code
		} else if err != nil {
			v.t.Fatal(err)
		}
	}
}

// Each guest gets every line in order, compressed or not, with the number of guests.
func TestEverybodyGetsEachLine(t *testing.T) {
	compressed := websocket.WithCompression(websocket.Compression{})
	for _, opts := range [][]websocket.Option{nil, {compressed}} {
		at, _ := start(t, opts...)
		a := join(t, at, "ann")
		b := join(t, at, "bob", compressed)
		a.wants("", "bob is here", 2)
		for _, text := range []string{"", "hello", "<b>é</b>", strings.Repeat("long ", messageMax/5)} {
			a.say(text)
			a.wants("ann", text, 2)
			b.wants("ann", text, 2)
			b.say(text)
			a.wants("bob", text, 2)
			b.wants("bob", text, 2)
		}
		if err := b.Close(websocket.Normal, "bye"); err != nil {
			t.Error(err)
		}
		a.wants("", "bob has left", 1)
	}
}

// A new guest gets the newest lines first.
func TestANewGuestGetsTheNewestLines(t *testing.T) {
	at, _ := start(t)
	a := join(t, at, "ann")
	for i := range lastMax + 5 {
		a.say(fmt.Sprint(i))
		a.wants("ann", fmt.Sprint(i), 1)
	}
	s, err := try(at, "bob")
	if err != nil {
		t.Fatal(err)
	}
	defer s.NetConn().Close()
	b := visitor{s, t}
	for i := 5; i < lastMax+5; i++ {
		b.wants("ann", fmt.Sprint(i), 1)
	}
	b.wants("", "bob is here", 2)
}

// The name of a guest must have 1 to 32 characters, and no control characters.
func TestNames(t *testing.T) {
	at, _ := start(t)
	for name, ok := range map[string]bool{
		"x": true, " a b ": true, strings.Repeat("é", nameMax): true,
		"": false, "  ": false, strings.Repeat("é", nameMax+1): false, "\xff": false, "a\nb": false,
	} {
		s, err := try(at, name)
		if ok && err == nil {
			_ = s.NetConn().Close()
			continue
		}
		refused, is := errors.AsType[*websocket.HandshakeError](err)
		if ok || !is || refused.Status != 400 {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

// The server serves its page, answers 404 elsewhere, and refuses connections from pages of other
// sites.
func TestPages(t *testing.T) {
	at, _ := start(t)
	for target, status := range map[string]int{"/": 200, "/chat": 426, "/else": 404} {
		a, err := http.Get("http://" + at + target)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(a.Body)
		a.Body.Close()
		if err != nil || a.StatusCode != status || strings.HasPrefix(string(body), "<!doctype html>") != (status == 200) {
			t.Errorf("%s: %s, %.50q, %v", target, a.Status, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	_, err := try(at, "eve", websocket.WithHeader("Origin", "http://elsewhere.example"))
	if refused, is := errors.AsType[*websocket.HandshakeError](err); !is || refused.Status != 403 {
		t.Error(err)
	}
}

// A guest that reads nothing is disconnected. The other guests get every line without a delay.
func TestASlowGuestIsClosed(t *testing.T) {
	if !longtest.Default(t, "fills the buffers of a connection") {
		return
	}
	at, _ := start(t, websocket.WithCloseTimeout(50*time.Millisecond))
	a := join(t, at, "ann")
	join(t, at, "slow")
	a.wants("", "slow is here", 2)
	text := strings.Repeat("x", messageMax)
	for sent := 0; ; sent++ {
		a.say(text)
		l := a.next()
		if l == (line{"", "slow has left", 1}) {
			break
		} else if l != (line{"ann", text, 2}) && l != (line{"ann", text, 1}) {
			t.Fatalf("%.200v", l)
		} else if sent == 100_000 {
			t.Fatal("it is still there")
		}
	}
}

// A message that is not text or is too long ends only the connection of its guest.
func TestRefusedMessages(t *testing.T) {
	at, _ := start(t)
	a := join(t, at, "ann")
	for code, send := range map[websocket.Code]func(v visitor) error{
		websocket.Unsupported: func(v visitor) error { return v.Send(websocket.Binary, []byte("x")) },
		websocket.TooBig:      func(v visitor) error { return v.Send(websocket.Text, make([]byte, messageMax+1)) },
	} {
		b := join(t, at, "bob")
		if err := send(b); err != nil {
			t.Fatal(err)
		}
		if got := b.closed(); got != code {
			t.Errorf("%v, want %v", got, code)
		}
		a.until("", "bob has left")
	}
	a.say("still here")
	a.wants("ann", "still here", 1)
}

// When a room stops, it delivers all earlier lines, and closes every connection with code 1001.
func TestStop(t *testing.T) {
	at, stop := start(t)
	a, b := join(t, at, "ann"), join(t, at, "bob")
	a.say("the last")
	b.wants("ann", "the last", 2)
	go stop()
	for _, v := range []visitor{a, b} {
		if code := v.closed(); code != websocket.GoingAway {
			t.Error(code)
		}
	}
}
