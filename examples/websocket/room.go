package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

const (
	messageMax = 64 << 10         // bytes; a longer message ends the connection with 1009
	behindMax  = 64               // messages; a guest further behind is dropped with 1008
	aliveTime  = 30 * time.Second // between two pings
	answerTime = 10 * time.Second // for a pong, and to write a message
)

// A room has guests. Each receives what the others send.
type room struct {
	mu     sync.Mutex // guards the fields below
	guests map[*guest]bool
	closed bool

	all sync.WaitGroup // guests, and closes in progress
}

// A guest has two goroutines: the one that net/http has made reads, the other writes.
type guest struct {
	c   *websocket.Conn
	out chan message
}

type message struct {
	typ  websocket.MessageType
	data []byte
}

func newRoom() *room { return &room{guests: map[*guest]bool{}} }

// ServeHTTP adopts the connection. The library answers pings and close. It refuses what RFC 6455
// forbids: client frames without a mask, unknown frames, control frames that are too long or in
// pieces.
func (r *room) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	c, err := websocket.Accept(w, q, nil) // this origin only; it has answered a bad request
	if err != nil {
		log.Print(err)
		return
	}
	c.SetReadLimit(messageMax)
	g := &guest{c: c, out: make(chan message, behindMax)}
	if !r.enter(g) {
		_ = c.Close(websocket.StatusGoingAway, "closing")
		return
	}
	defer r.all.Done()
	ctx, cancel := context.WithCancel(context.Background())
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		g.write(ctx)
	}()
	r.read(ctx, g)
	r.leave(g)
	cancel()
	<-wrote
	_ = c.CloseNow() // it is closed or lost already
}

// enter greets a guest. A guest that has read the greeting receives every later message.
func (r *room) enter(g *guest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.guests[g] = true
	g.out <- message{websocket.MessageText, fmt.Appendf(nil, "* you are one of %d", len(r.guests))}
	r.all.Add(1)
	return true
}

func (r *room) leave(g *guest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.guests, g)
}

// close closes all connections, and waits for them.
func (r *room) close() {
	r.mu.Lock()
	r.closed = true
	for g := range r.guests {
		r.all.Go(func() { _ = g.c.Close(websocket.StatusGoingAway, "closing") })
	}
	r.mu.Unlock()
	r.all.Wait()
}

// read receives what a guest sends until it leaves.
func (r *room) read(ctx context.Context, g *guest) {
	for {
		typ, data, err := g.c.Read(ctx)
		switch {
		case err != nil:
			return // the library has sent the reason
		case typ == websocket.MessageText && !utf8.Valid(data): // the library leaves this check to us
			_ = g.c.Close(websocket.StatusInvalidFramePayloadData, "text must be UTF-8")
			return
		}
		r.say(message{typ, data})
	}
}

// say sends a message to all guests. It never waits.
func (r *room) say(m message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for g := range r.guests {
		select {
		case g.out <- m:
		default:
			delete(r.guests, g)
			r.all.Go(func() { _ = g.c.Close(websocket.StatusPolicyViolation, "too slow") })
		}
	}
}

// write sends the messages to a guest, and pings it now and then.
func (g *guest) write(ctx context.Context) {
	alive := time.NewTicker(aliveTime)
	defer alive.Stop()
	for {
		var act func(context.Context) error
		select {
		case <-ctx.Done():
			return
		case m := <-g.out:
			act = func(ctx context.Context) error { return g.c.Write(ctx, m.typ, m.data) }
		case <-alive.C:
			act = g.c.Ping
		}
		limit, cancel := context.WithTimeout(ctx, answerTime)
		err := act(limit)
		cancel()
		if err != nil {
			_ = g.c.CloseNow() // this ends read too
			return
		}
	}
}
