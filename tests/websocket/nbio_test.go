package websocket

import (
	"net/http"
	"testing"
	"time"

	"github.com/lesismal/nbio/nbhttp"
	nbws "github.com/lesismal/nbio/nbhttp/websocket"
)

// nbioEngine runs nbio with this handler.
func nbioEngine(t *testing.T, h http.HandlerFunc) (*nbhttp.Engine, string) {
	t.Helper()
	l := listen(t)
	at := l.Addr().String()
	_ = l.Close()
	e := nbhttp.NewEngine(nbhttp.Config{Network: "tcp", Addrs: []string{at}, Handler: h})
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e, at
}

// Our client works with a server of nbio, and a client of nbio works with our server. nbio delivers
// no empty messages.
func TestNbio(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			up := nbws.NewUpgrader()
			up.EnableCompression(k.compress)
			up.OnMessage(func(c *nbws.Conn, kind nbws.MessageType, p []byte) { _ = c.WriteMessage(kind, p) })
			e, at := nbioEngine(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := up.Upgrade(w, r, nil); err != nil {
					t.Error(err)
				}
			})
			ask(t, "ws://"+at, texts()[1:], k.ours...)

			got := make(chan string, 10)
			own := nbws.NewUpgrader()
			own.EnableCompression(k.compress)
			own.OnMessage(func(_ *nbws.Conn, _ nbws.MessageType, p []byte) { got <- string(p) })
			c, _, err := (&nbws.Dialer{Engine: e, Upgrader: own, EnableCompression: k.compress, DialTimeout: long}).Dial("ws://"+ours(t, k.ours...), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range texts()[1:] {
				if err := c.WriteMessage(nbws.TextMessage, []byte(want)); err != nil {
					t.Fatal(err)
				}
				select {
				case g := <-got:
					if g != want {
						t.Fatalf("message %d: %d of %d bytes", i, len(g), len(want))
					}
				case <-time.After(long):
					t.Fatalf("message %d does not come back", i)
				}
			}
			_ = c.Close()
		})
	}
}
