package websocket

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/lxzan/gws"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

const long = 3 * time.Minute

// texts returns texts of all sizes at which WebSocket behaves differently.
func texts() (all []string) {
	for _, n := range []int{0, 1, 125, 126, 1000, 65535, 65536, 300_000} {
		all = append(all, strings.Repeat("schön ", n/7+1)[:n/7*7]+strings.Repeat("x", n%7))
	}
	return all
}

type echo struct{}

func (echo) Message(c *websocket.Conn, kind websocket.Kind, p []byte) { _ = c.Send(kind, p) }
func (echo) Closed(*websocket.Conn, error)                            {}

// loop returns a loop that runs until the test ends.
func loop(t *testing.T) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() { ended <- r.Run(ctx) }()
	return r
}

// ours starts an echo server of this module, and returns its address.
func ours(t *testing.T, opts ...websocket.Option) string {
	t.Helper()
	s, err := websocket.NewServer(func(*websocket.Request) websocket.Handler { return echo{} }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	r := loop(t)
	at := make(chan string)
	if err := r.Post(func() {
		l, err := r.Listen("tcp", "127.0.0.1:0", s.Accept)
		if err != nil {
			t.Error(err)
		}
		at <- l.Addr().String()
	}); err != nil {
		t.Fatal(err)
	}
	return <-at
}

// kinds are the ways in which both sides may compress.
var kinds = map[string]struct {
	ours      []websocket.Option
	compress  bool
	takeovers bool
}{
	"plain":    {nil, false, false},
	"deflate":  {[]websocket.Option{websocket.WithCompression(websocket.Compression{Least: 1})}, true, false},
	"takeover": {[]websocket.Option{websocket.WithCompression(websocket.Compression{Least: 1, Takeover: true})}, true, true},
	"declined": {nil, true, true},
}

// A client of coder/websocket works with our server.
func TestCoderClient(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), long)
			defer cancel()
			o := &coder.DialOptions{CompressionMode: coderMode(k.compress, k.takeovers), CompressionThreshold: 1}
			c, _, err := coder.Dial(ctx, "ws://"+ours(t, k.ours...), o)
			if err != nil {
				t.Fatal(err)
			}
			c.SetReadLimit(1 << 20)
			for _, want := range texts() {
				if err := c.Write(ctx, coder.MessageText, []byte(want)); err != nil {
					t.Fatal(err)
				}
				if kind, p, err := c.Read(ctx); err != nil || kind != coder.MessageText || string(p) != want {
					t.Fatalf("%v, %d of %d bytes, %v", kind, len(p), len(want), err)
				}
			}
			closed := make(chan error, 1)
			go func() { _, _, err := c.Read(ctx); closed <- err }() // coder receives pongs in Read
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
			}
			if err := c.Close(coder.StatusNormalClosure, "bye"); err != nil {
				t.Errorf("the close handshake: %v", err)
			}
			<-closed
		})
	}
}

func coderMode(compress, takeover bool) coder.CompressionMode {
	switch {
	case takeover:
		return coder.CompressionContextTakeover
	case compress:
		return coder.CompressionNoContextTakeover
	}
	return coder.CompressionDisabled
}

// A gwsPeer is the handler of a connection of gws. It collects the messages, or sends them back.
type gwsPeer struct {
	gws.BuiltinEventHandler
	got    chan string
	closed chan error
}

func (p *gwsPeer) OnMessage(c *gws.Conn, m *gws.Message) {
	if p.got == nil {
		_ = c.WriteMessage(m.Opcode, m.Bytes())
	} else {
		p.got <- string(bytes.Clone(m.Bytes()))
	}
	_ = m.Close()
}

func (p *gwsPeer) OnClose(_ *gws.Conn, err error) {
	if p.closed != nil {
		p.closed <- err
	}
}

func gwsDeflate(compress, takeover bool) gws.PermessageDeflate {
	return gws.PermessageDeflate{Enabled: compress, ServerContextTakeover: takeover, ClientContextTakeover: takeover,
		ServerMaxWindowBits: 12, ClientMaxWindowBits: 12, Threshold: 1}
}

// A client of gws works with our server. It requests windows of 4 KiB.
func TestGWSClient(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			p := &gwsPeer{got: make(chan string, 10), closed: make(chan error, 1)}
			c, _, err := gws.NewClient(p, &gws.ClientOption{Addr: "ws://" + ours(t, k.ours...), PermessageDeflate: gwsDeflate(k.compress, k.takeovers)})
			if err != nil {
				t.Fatal(err)
			}
			go c.ReadLoop()
			for i, want := range texts() {
				if err := c.WriteMessage(gws.OpcodeText, []byte(want)); err != nil {
					t.Fatal(err)
				}
				select {
				case got := <-p.got:
					if got != want {
						t.Fatalf("message %d: %d of %d bytes", i, len(got), len(want))
					}
				case err := <-p.closed:
					t.Fatalf("message %d: %v", i, err)
				}
			}
			_ = c.WriteClose(1000, nil)
			<-p.closed
		})
	}
}

// An asker is a client of this module. It sends each text, and compares it with the echo.
type asker struct {
	t     *testing.T
	texts []string
	i     int
	end   chan error
}

func (a *asker) Opened(c *websocket.Conn) { a.send(c) }

func (a *asker) send(c *websocket.Conn) {
	if err := c.Send(websocket.Text, []byte(a.texts[a.i])); err != nil {
		a.t.Error(err)
	}
}

func (a *asker) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	if kind != websocket.Text || string(p) != a.texts[a.i] {
		a.t.Errorf("message %d: %v, %d of %d bytes", a.i, kind, len(p), len(a.texts[a.i]))
	}
	if a.i++; a.i == len(a.texts) {
		_ = c.Close(websocket.Normal, "bye")
		return
	}
	a.send(c)
}

func (a *asker) Closed(_ *websocket.Conn, err error) { a.end <- err }

// ask runs an asker against a server.
func ask(t *testing.T, url string, texts []string, opts ...websocket.Option) {
	t.Helper()
	r := loop(t)
	a := &asker{t: t, texts: texts, end: make(chan error, 1)}
	if err := r.Post(func() {
		if _, err := websocket.Dial(r, url, a, opts...); err != nil {
			a.end <- err
		}
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-a.end:
		if err != nil || a.i != len(a.texts) {
			t.Errorf("after %d messages: %v", a.i, err)
		}
	case <-time.After(long):
		t.Fatalf("no end after %d messages", a.i)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Our client works with a server of coder/websocket.
func TestCoderServer(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			l := listen(t)
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: coderMode(k.compress, k.takeovers), CompressionThreshold: 1})
				if err != nil {
					t.Error(err)
					return
				}
				c.SetReadLimit(1 << 20)
				for {
					kind, p, err := c.Read(context.Background())
					if err != nil {
						return
					}
					_ = c.Write(context.Background(), kind, p)
				}
			})}
			go s.Serve(l)
			defer s.Close()
			ask(t, fmt.Sprint("ws://", l.Addr()), texts(), k.ours...)
		})
	}
}

// Our client works with a server of gws.
func TestGWSServer(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			l := listen(t)
			defer l.Close()
			s := gws.NewServer(&gwsPeer{}, &gws.ServerOption{PermessageDeflate: gwsDeflate(k.compress, k.takeovers)})
			go s.RunListener(l)
			ask(t, fmt.Sprint("ws://", l.Addr()), texts(), k.ours...)
		})
	}
}
