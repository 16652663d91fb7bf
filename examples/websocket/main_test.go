//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
	other "golang.org/x/net/websocket"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const long = 30 * time.Second

// start has a server until the test ends, or until stop is called.
func start(t *testing.T) (at string, stop func()) {
	t.Helper()
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// join is the library's own client, on a connection of netconn.
func join(t *testing.T, at string) *websocket.Conn {
	t.Helper()
	tr := &http.Transport{DialContext: netconn.DialContext}
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+at+"/chat", &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow(); tr.CloseIdleConnections() })
	c.SetReadLimit(messageMax)
	if _, p, err := c.Read(ctx); err != nil || !isGreeting(string(p)) {
		t.Fatalf("%q, %v", p, err)
	}
	return c
}

func isGreeting(text string) bool { return strings.HasPrefix(text, "* you are one of ") }

func says(t *testing.T, c *websocket.Conn, typ websocket.MessageType, text string) {
	t.Helper()
	if err := c.Write(t.Context(), typ, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hears(t *testing.T, c *websocket.Conn, typ websocket.MessageType, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	if got, p, err := c.Read(ctx); err != nil || got != typ || string(p) != want {
		t.Fatalf("%v %.100q, %v; want %v %.100q", got, p, err, typ, want)
	}
}

// Everybody hears what each says, in order, text and binary, of every size up to the limit.
func TestEverybodyHears(t *testing.T) {
	at, _ := start(t)
	a, b := join(t, at), join(t, at)
	for i, size := range []int{0, 1, 125, 126, 1 << 10, 65535, messageMax} {
		typ := []websocket.MessageType{websocket.MessageText, websocket.MessageBinary}[i%2]
		text := strings.Repeat("é", size/2) + strings.Repeat("x", size%2)
		says(t, a, typ, text)
		hears(t, a, typ, text)
		hears(t, b, typ, text)
	}
	if err := b.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("the close handshake: %v", err)
	}
	says(t, a, websocket.MessageText, "alone")
	hears(t, a, websocket.MessageText, "alone")
}

// Another client's code, x/net's, on a connection of netconn.
func TestOtherClient(t *testing.T) {
	at, _ := start(t)
	a := join(t, at)
	c, err := netconn.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(long))
	cfg, err := other.NewConfig("ws://"+at+"/chat", "http://"+at)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := other.NewClient(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := other.Message.Receive(ws, &got); err != nil || !isGreeting(got) {
		t.Fatalf("%q, %v", got, err)
	}
	for _, text := range []string{"hello", strings.Repeat("long ", 10_000)} {
		if err := other.Message.Send(ws, text); err != nil {
			t.Fatal(err)
		}
		hears(t, a, websocket.MessageText, text)
		if err := other.Message.Receive(ws, &got); err != nil || got != text {
			t.Fatalf("%.100q, %v", got, err)
		}
	}
	says(t, a, websocket.MessageBinary, "\x00\xff")
	var bytes []byte
	if err := other.Message.Receive(ws, &bytes); err != nil || string(bytes) != "\x00\xff" {
		t.Errorf("%q, %v", bytes, err)
	}
}

// Input that RFC 6455 or the room forbids ends that connection with the matching code, and no other
// one.
func TestRefusals(t *testing.T) {
	at, _ := start(t)
	good := join(t, at)
	for name, c := range map[string]struct {
		send []byte
		code uint16
	}{
		"an unknown opcode":              {frame(fin|3, ""), 1002},
		"a reserved bit":                 {frame(fin|text|0x40, ""), 1002},
		"a piece of nothing":             {frame(fin|more, "x"), 1002},
		"a message in another's pieces":  {append(frame(text, "x"), frame(fin|text, "y")...), 1002},
		"a ping in pieces":               {frame(ping, "x"), 1002},
		"a ping that is too long":        {frame(fin|ping, strings.Repeat("x", 126)), 1002},
		"text that is no UTF-8":          {frame(fin|text, "\xff"), 1007},
		"text whose pieces are no UTF-8": {append(frame(text, "\xc3"), frame(fin|more, "x")...), 1007},
		"a message that is too long":     {frame(fin|binary, strings.Repeat("x", messageMax+1)), 1009},
		"pieces that are too long":       {append(frame(binary, strings.Repeat("x", messageMax)), frame(fin|more, "x")...), 1009},
		"a close code that is none":      {frame(fin|bye, "\x03\xed"), 1002}, // 1005
		"a close of one byte":            {frame(fin|bye, "\x03"), 1002},
		"a goodbye":                      {frame(fin|bye, "\x03\xe8bye"), 1000},
		"a goodbye of one's own":         {frame(fin|bye, "\x0f\xa0"), 4000},
	} {
		t.Run(name, func(t *testing.T) {
			r := dialRaw(t, at)
			r.Write(append(bytes.Clone(c.send), frame(fin|text, "not to be heard")...))
			first, data := r.next()
			if first != fin|bye || len(data) < 2 || bits.BigEndian.Uint16([]byte(data)) != c.code {
				t.Errorf("%#x %q, want a close with %d", first, data, c.code)
			}
			says(t, good, websocket.MessageText, "still here")
			hears(t, good, websocket.MessageText, "still here")
		})
	}
}

// A request from another server's page, or without an upgrade to WebSocket, gets an error.
func TestUpgradeRefused(t *testing.T) {
	at, _ := start(t)
	tr := &http.Transport{DialContext: netconn.DialContext}
	defer tr.CloseIdleConnections()
	for status, header := range map[int]string{http.StatusForbidden: "http://elsewhere.example", http.StatusUpgradeRequired: ""} {
		q, _ := http.NewRequest("GET", "http://"+at+"/chat", nil)
		if header != "" {
			q.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
				"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Origin": {header}}
		}
		a, err := tr.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != status {
			t.Errorf("%s, want %d", a.Status, status)
		}
	}
}

// A guest that does not read has to go; the others miss nothing, and wait for nobody.
func TestSlowGuest(t *testing.T) {
	if !longtest.Only(t, "the goodbye that is not answered takes 5 s") {
		return
	}
	at, _ := start(t)
	slow, a := dialRaw(t, at), join(t, at)
	loud := strings.Repeat("x", messageMax)
	for range 400 { // more than its queue and the kernel's have room for
		says(t, a, websocket.MessageText, loud)
		hears(t, a, websocket.MessageText, loud)
	}
	_ = slow.SetDeadline(time.Now().Add(long))
	// with 1008, or without a code if that did not get through
	if _, err := io.Copy(io.Discard, slow.in); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("it is still there")
	}
}

// A server that stops says so to everybody.
func TestStop(t *testing.T) {
	at, stop := start(t)
	a, b := join(t, at), join(t, at)
	says(t, a, websocket.MessageText, "the last")
	hears(t, b, websocket.MessageText, "the last")
	hears(t, a, websocket.MessageText, "the last")
	go stop()
	for _, c := range []*websocket.Conn{a, b} {
		if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Error(err)
		}
	}
	stop()
}
