package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/ureactor/ureactor/reactor"
)

// A server contains the strings, guarded by a lock, because the connections of all loops share
// them. A value may be replaced but never changes, so it can be sent without the lock.
type server struct {
	g  *reactor.Group
	mu sync.RWMutex
	m  map[string][]byte
}

func newServer(g *reactor.Group) *server { return &server{g: g, m: map[string][]byte{}} }

// listen serves an address. The limit for output has room for the largest value, and for other
// output in front of it.
func (s *server) listen(network, addr string) (*reactor.GroupListener, error) {
	accept := func(c *reactor.Conn) reactor.Handler { return &client{s: s, in: c.KeepInput(maxCommand)} }
	return s.g.Listen(network, addr, accept,
		reactor.WithLimits(64<<10, enough, enough+2*maxBulk))
}

// A client is the Handler of one connection.
type client struct {
	s      *server
	in     *reactor.Input
	parser parser
	head   [64]byte // for a reply
	ended  bool
}

// enough is how much output may be buffered before further commands have to wait. It equals the
// high-water mark, because Drained is called only after more than that was buffered.
const enough = 256 << 10

// Data runs the complete commands. When it returns, the replies of a pipeline leave together.
func (c *client) Data(rc *reactor.Conn, _ []byte) { c.run(rc) }

// Drained continues with the commands that had to wait until the peer has read its replies.
func (c *client) Drained(rc *reactor.Conn) { c.run(rc) }

func (c *client) Closed(*reactor.Conn, error) {}

func (c *client) run(rc *reactor.Conn) {
	for !c.ended && rc.Buffered() <= enough {
		args, whole, err := c.parser.next(c.in)
		if err != nil {
			c.send(rc, appendError(c.head[:0], err.Error()))
			c.end(rc)
		}
		if !whole || err != nil {
			return
		}
		if len(args) > 0 {
			c.command(rc, args)
		}
		c.parser.keep(args)
	}
}

// send sends a reply. If this send or a later one fails, the connection is broken, and Closed is
// called.
func (c *client) send(rc *reactor.Conn, reply []byte) { _ = rc.Send(reply) }

func (c *client) bulk(rc *reactor.Conn, v []byte) {
	_ = rc.SendV(appendInt(c.head[:0], '$', int64(len(v))), v, crlf)
}

func (c *client) number(rc *reactor.Conn, n int64) { c.send(rc, appendInt(c.head[:0], ':', n)) }

func (c *client) end(rc *reactor.Conn) {
	c.ended = true
	_ = rc.Close() // after all replies
}

var (
	crlf = []byte("\r\n")
	ok   = []byte("+OK\r\n")
	pong = []byte("+PONG\r\n")
	null = []byte("$-1\r\n")
	none = []byte("*0\r\n")
)

// commands maps each name, in lower case, to the minimum and maximum number of arguments, and a
// function.
var commands = map[string]struct {
	least, most int
	do          func(c *client, rc *reactor.Conn, args [][]byte)
}{
	"ping":     {0, 1, (*client).ping},
	"echo":     {1, 1, func(c *client, rc *reactor.Conn, a [][]byte) { c.bulk(rc, a[0]) }},
	"get":      {1, 1, (*client).get},
	"set":      {2, 2, (*client).set},
	"del":      {1, maxArgs, func(c *client, rc *reactor.Conn, a [][]byte) { c.number(rc, c.s.count(a, true)) }},
	"exists":   {1, maxArgs, func(c *client, rc *reactor.Conn, a [][]byte) { c.number(rc, c.s.count(a, false)) }},
	"incr":     {1, 1, (*client).incr},
	"dbsize":   {0, 0, func(c *client, rc *reactor.Conn, _ [][]byte) { c.number(rc, c.s.size()) }},
	"flushdb":  {0, 1, func(c *client, rc *reactor.Conn, _ [][]byte) { c.s.flush(); c.send(rc, ok) }},
	"select":   {1, 1, (*client).choose},
	"quit":     {0, 0, func(c *client, rc *reactor.Conn, _ [][]byte) { c.send(rc, ok); c.end(rc) }},
	"shutdown": {0, 1, func(c *client, rc *reactor.Conn, _ [][]byte) { c.s.g.Close() }},
	// redis-cli and redis-benchmark send these commands when they start, and accept empty answers.
	"command": {0, maxArgs, func(c *client, rc *reactor.Conn, _ [][]byte) { c.send(rc, none) }},
	"config":  {1, maxArgs, func(c *client, rc *reactor.Conn, _ [][]byte) { c.send(rc, none) }},
}

func (c *client) command(rc *reactor.Conn, args [][]byte) {
	name := lower(args[0])
	cmd, known := commands[string(name)] // this does not allocate
	switch n := len(args) - 1; {
	case !known:
		c.send(rc, appendError(nil, fmt.Sprintf("ERR unknown command %.128q", name)))
	case n < cmd.least || n > cmd.most:
		c.send(rc, appendError(nil, fmt.Sprintf("ERR wrong number of arguments for '%s' command", name)))
	default:
		cmd.do(c, rc, args[1:])
	}
}

// lower changes p itself to lower case. p is a copy, or is in the loop's buffer.
func lower(p []byte) []byte {
	for i, b := range p {
		if 'A' <= b && b <= 'Z' {
			p[i] = b + 'a' - 'A'
		}
	}
	return p
}

func (c *client) ping(rc *reactor.Conn, args [][]byte) {
	if len(args) == 1 {
		c.bulk(rc, args[0])
		return
	}
	c.send(rc, pong)
}

func (c *client) get(rc *reactor.Conn, args [][]byte) {
	c.s.mu.RLock()
	v, found := c.s.m[string(args[0])]
	c.s.mu.RUnlock()
	if !found {
		c.send(rc, null)
		return
	}
	c.bulk(rc, v)
}

func (c *client) set(rc *reactor.Conn, args [][]byte) {
	key, v := string(args[0]), bytes.Clone(args[1])
	c.s.mu.Lock()
	c.s.m[key] = v
	c.s.mu.Unlock()
	c.send(rc, ok)
}

func (c *client) incr(rc *reactor.Conn, args [][]byte) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	n, err := int64(0), error(nil)
	if v, found := c.s.m[string(args[0])]; found {
		n, err = strconv.ParseInt(string(v), 10, 64)
	}
	switch {
	case err != nil:
		c.send(rc, appendError(c.head[:0], "ERR value is not an integer or out of range"))
	case n == math.MaxInt64:
		c.send(rc, appendError(c.head[:0], "ERR increment or decrement would overflow"))
	default:
		c.s.m[string(args[0])] = strconv.AppendInt(nil, n+1, 10)
		c.number(rc, n+1)
	}
}

func (c *client) choose(rc *reactor.Conn, args [][]byte) {
	if string(args[0]) != "0" {
		c.send(rc, appendError(c.head[:0], "ERR DB index is out of range"))
		return
	}
	c.send(rc, ok)
}

// count returns how many of the names exist. If del is set, it also deletes them.
func (s *server) count(names [][]byte, del bool) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if _, found := s.m[string(name)]; found {
			n++
			if del {
				delete(s.m, string(name))
			}
		}
	}
	return n
}

func (s *server) size() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int64(len(s.m))
}

func (s *server) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m = map[string][]byte{}
}
