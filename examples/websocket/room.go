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
	messageMax = 64 << 10         // a longer one ends the connection with 1009
	behindMax  = 64               // who has not taken so many messages has to go, with 1008
	aliveTime  = 30 * time.Second // between two pings
	answerTime = 10 * time.Second // for the pong, and for a message to leave
)

// A room has guests, who hear what each of them says.
type room struct {
	mu     sync.Mutex // guards these:
	guests map[*guest]bool
	closed bool

	all sync.WaitGroup // guests, and goodbyes
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

// ServeHTTP takes the connection over. The library answers pings and close, and refuses what RFC
// 6455 forbids: frames of a client without a mask, unknown ones, control frames that are too long
// or in pieces.
func (r *room) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	c, err := websocket.Accept(w, q, nil) // of this origin only; it has answered what is wrong
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
	_ = c.CloseNow() // it is closed already, or lost
}

// enter greets a guest: who has read that hears all that is said from then on.
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

// close says goodbye to all, and waits for them.
func (r *room) close() {
	r.mu.Lock()
	r.closed = true
	for g := range r.guests {
		r.all.Go(func() { _ = g.c.Close(websocket.StatusGoingAway, "closing") }) // or it is lost
	}
	r.mu.Unlock()
	r.all.Wait()
}

// read hears what a guest says until it leaves.
func (r *room) read(ctx context.Context, g *guest) {
	for {
		typ, data, err := g.c.Read(ctx)
		switch {
		case err != nil:
			return // the library has told it what was wrong
		case typ == websocket.MessageText && !utf8.Valid(data): // is for the library's user to see
			_ = g.c.Close(websocket.StatusInvalidFramePayloadData, "text must be UTF-8")
			return
		}
		r.say(message{typ, data})
	}
}

// say tells all. Nobody waits for anybody.
func (r *room) say(m message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for g := range r.guests {
		select {
		case g.out <- m:
		default:
			delete(r.guests, g)
			r.all.Go(func() { _ = g.c.Close(websocket.StatusPolicyViolation, "too slow") }) // or it is lost
		}
	}
}

// write tells a guest what is said, and asks now and then whether it is there.
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
			_ = g.c.CloseNow() // read ends, too
			return
		}
	}
}
