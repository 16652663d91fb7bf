package main

import (
	"net/http"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

// messages serves WebSocket with nbio's own HTTP server. The poller reads and calls the handler.
func messages(o serve.Options) {
	u := websocket.NewUpgrader()
	u.EnableCompression(o.Protocol == serve.Deflate)
	u.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, p []byte) { _ = c.WriteMessage(kind, p) })
	m := http.NewServeMux()
	m.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) { _, _ = u.Upgrade(w, q, nil) })
	at := o.Fixed()
	e := nbhttp.NewEngine(nbhttp.Config{Network: o.Network, Addrs: []string{at}, NPoller: 1, ReadBufferSize: 64 << 10,
		ReleaseWebsocketPayload: true, Handler: m, ServerExecutor: func(f func()) { f() }})
	serve.Try(e.Start())
	serve.Listening(at)
	select {}
}
