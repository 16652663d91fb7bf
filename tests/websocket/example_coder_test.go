//go:build unix

package websocket

import (
	"context"
	"fmt"
	"log"
	"net/http"

	coder "github.com/coder/websocket"

	"github.com/ureactor/ureactor/netconn"
)

// coder/websocket adopts connections of net/http, which here are connections of netconn.
func Example_coder() {
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(adopt)}
	go func() { _ = s.Serve(l) }()
	defer s.Close()

	ctx := context.Background()
	tr := &http.Transport{DialContext: netconn.DialContext}
	c, _, err := coder.Dial(ctx, "ws://"+l.Addr().String(), &coder.DialOptions{HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, coder.MessageText, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	_, p, err := c.Read(ctx)
	fmt.Printf("%s, %v\n", p, err)
	// Output: hello, <nil>
}

func adopt(w http.ResponseWriter, q *http.Request) {
	c, err := coder.Accept(w, q, nil) // Accept has already answered a bad request
	if err != nil {
		return
	}
	defer c.CloseNow()
	ctx := context.Background()
	for {
		kind, p, err := c.Read(ctx)
		if err != nil || c.Write(ctx, kind, p) != nil {
			return
		}
	}
}
