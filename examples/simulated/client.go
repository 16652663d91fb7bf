package simulated

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A request is one operation of a client. A repeated request has the same ID.
type request struct {
	ID, Op, Key, Value string // Op is get or append
}

// A reply answers the request with the same ID. If OK is false, the client must ask another server.
type reply struct {
	ID, Value string
	OK        bool
}

// A client makes one operation after the other, and repeats each until it has an answer.
type client struct {
	w       *sim.World
	h       *sim.Host
	log     *slog.Logger
	number  int
	servers []string
	left    int
	links   []*link
	now     request
	target  int
	began   int64
	made    int
	retry   *reactor.Timer
	history *[]porcupine.Operation
}

func newClient(w *sim.World, number, ops int, servers []string, history *[]porcupine.Operation) *client {
	h := w.Host(fmt.Sprintf("10.0.1.%d", number+1))
	c := &client{w: w, h: h, log: slog.New(h.LogHandler()), number: number, servers: servers, left: ops, history: history}
	boot(w, c.h, "client", func(r *reactor.Reactor) error {
		for _, to := range servers {
			l := &link{r: r, to: to, log: c.log, line: func(text []byte) { c.answer(r, text) }}
			c.links = append(c.links, l)
			l.dial()
		}
		c.next(r)
		return nil
	})
	return c
}

func (c *client) next(r *reactor.Reactor) {
	if c.left == 0 {
		return
	}
	r.After(time.Duration(c.h.Rand().N(int64(200*time.Millisecond))), func() {
		c.made++
		c.now = request{ID: fmt.Sprintf("%d.%d", c.number, c.made), Op: "get", Key: fmt.Sprint(c.h.Rand().Int(2))}
		if c.h.Rand().Int(2) == 0 {
			c.now.Op, c.now.Value = "append", c.now.ID+" "
		}
		c.began = int64(c.w.Now())
		c.ask(r)
	})
}

// ask sends the request to one server. If that server does not answer, ask sends the request to the
// next one.
func (c *client) ask(r *reactor.Reactor) {
	text, _ := json.Marshal(c.now)
	c.log.Info("client asks", "server", c.servers[c.target], "id", c.now.ID, "op", c.now.Op, "key", c.now.Key)
	c.links[c.target].send(text)
	c.retry = r.After(400*time.Millisecond, func() { c.other(r) })
}

func (c *client) other(r *reactor.Reactor) {
	c.target = c.h.Rand().Int(len(c.links))
	c.ask(r)
}

func (c *client) answer(r *reactor.Reactor, text []byte) {
	var a reply
	if json.Unmarshal(text, &a) != nil || a.ID != c.now.ID {
		return // a late answer, or garbage, which the check would find
	}
	if !a.OK {
		return // the timer asks another server
	}
	c.log.Info("client has the answer", "id", a.ID, "op", c.now.Op, "key", c.now.Key, "value", a.Value)
	c.retry.Stop()
	*c.history = append(*c.history, porcupine.Operation{ClientId: c.number, Input: c.now, Call: c.began, Output: a.Value, Return: int64(c.w.Now())})
	c.now = request{}
	c.left--
	c.next(r)
}

// unfinished adds the operation that has no answer to the history: it may take effect at any time.
func (c *client) unfinished() {
	if c.now.Op == "append" {
		*c.history = append(*c.history, porcupine.Operation{ClientId: c.number, Input: c.now, Call: c.began, Output: "?", Return: math.MaxInt64})
	}
}

// model is a map of strings. Clients append to the strings.
var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(request).Key
			byKey[k] = append(byKey[k], o)
		}
		var all [][]porcupine.Operation
		for _, part := range byKey {
			all = append(all, part)
		}
		return all
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		q, was := input.(request), state.(string)
		if q.Op == "append" {
			return true, was + q.Value
		}
		return output.(string) == was, was
	},
}

// linearizable checks the history of all clients.
func linearizable(history []porcupine.Operation) error {
	if porcupine.CheckOperations(model, history) {
		return nil
	}
	for _, o := range history {
		if q := o.Input.(request); q.Op == "get" && !wellFormed(o.Output.(string)) {
			return fmt.Errorf("a client reads %q, in which a value is there twice or in parts", o.Output)
		}
	}
	return fmt.Errorf("%d operations are not linearizable", len(history))
}

func (n *node) answer(c *reactor.Conn, a reply) {
	text, _ := json.Marshal(a)
	_ = c.Send(append(text, '\n'))
}
