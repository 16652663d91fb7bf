// Package load is the load generator. Its clients exchange messages with one echo server.
//
// Each server has its own generator process (Serve), which runs on another core than the servers.
// The generator reads its orders from its standard input. Client is the suite's end of that pipe.
// Because there is one process for each server, 10,000 connections to every server stay below the
// descriptor limit of a process. Only one generator works at a time. The others sleep in a read.
package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/ureactor/ureactor/bench/proc"
)

// A Shape describes what the clients do. Active of the Conns connections send batches of Pipeline
// messages of Size bytes. Each batch is one write. When a whole batch has come back, the next one
// is sent. Depth batches are under way at the same time. With Churn every message has its own
// connection: connect, echo, FIN, and a wait for the server's FIN. Sleepy clients sleep immediately
// if nothing has arrived, and the server pays for waking them.
//
// With a Protocol the clients use that protocol, read every answer and check it. Each connection
// has one batch at a time (Depth is 1). tls is the echo over TLS 1.3 with AES-128-GCM. Its
// handshake comes before the slices or, with Churn, before every message. http sends GET requests
// on a connection that stays open. Its messages are requests. websocket is the echo over WebSocket,
// and deflate is the same with compression. In a room the server sends each message to all
// connections. There one client sends, and each receive counts as a message.
//
// With Rate the load is open. Messages come at random times (exponential gaps) at this total rate.
// Each uses the next Active connection, even if earlier messages have not come back. The latency
// starts when a message is due, even if it is sent later (coordinated omission).
type Shape struct {
	Network                              string // tcp, unix or udp; "" is tcp
	Protocol                             string // tls, http, websocket, deflate, room; "" is the echo
	Conns, Active, Size, Pipeline, Depth int
	Churn                                bool
	Sleepy                               bool
	Rate                                 float64 // messages/s; 0: as fast as they come back
}

// A Slice is the result of one run. The run ends with the last answer, so only complete messages
// count.
type Slice struct {
	Messages  int64
	Took      time.Duration
	Latencies []byte // with Rate: an HDR histogram in nanoseconds (histogram.Encode)
}

type request struct {
	Do    string // open, run, close
	Addr  string
	Shape Shape
	For   time.Duration
}

type reply struct {
	Slice Slice
	Err   string
}

// Serve executes the requests that it reads from `in`, until `in` ends.
func Serve(in io.Reader, out io.Writer) error {
	requests, replies := json.NewDecoder(in), json.NewEncoder(out)
	var l *loader
	for {
		var q request
		if err := requests.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var a reply
		var err error
		switch q.Do {
		case "open":
			if err = verify(q.Shape, q.Addr); err == nil {
				l, err = open(q.Addr, q.Shape)
			}
		case "run":
			switch {
			case l.shape.Rate > 0:
				a.Slice, err = l.runOpen(q.For)
			case l.shape.Churn && l.shape.Protocol == "tls":
				a.Slice, err = l.runHandshakes(q.For)
			default:
				a.Slice, err = l.run(q.For)
			}
		case "close":
			l.close()
			l = nil
		}
		if err != nil {
			a.Err = err.Error()
		}
		if err := replies.Encode(a); err != nil {
			return err
		}
	}
}

// A Client is a generator process with the pipe to it. Only one goroutine may use it.
type Client struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	to  *json.Encoder
	of  *json.Decoder
}

// Start runs the executable of this process again as a load generator, on core cpu. args are its
// arguments. With them, main must call Serve.
func Start(cpu int, args ...string) (*Client, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	// A slice does not allocate. A preemption signal would have one effect only: an epoll_wait would
	// end early.
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := proc.Start(cmd, cpu); err != nil {
		return nil, err
	}
	return &Client{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}, nil
}

func (c *Client) ask(q request) (Slice, error) {
	if err := c.to.Encode(q); err != nil {
		return Slice{}, fmt.Errorf("generator: %w", err)
	}
	var a reply
	if err := c.of.Decode(&a); err != nil {
		return Slice{}, fmt.Errorf("generator: %w", err)
	}
	if a.Err != "" {
		return a.Slice, errors.New(a.Err)
	}
	return a.Slice, nil
}

// Open checks that the server at addr echoes, and opens the shape's connections.
func (c *Client) Open(addr string, s Shape) error {
	_, err := c.ask(request{Do: "open", Addr: addr, Shape: s})
	return err
}

// Run loads the server for d. It then waits until everything under way has come back.
func (c *Client) Run(d time.Duration) (Slice, error) { return c.ask(request{Do: "run", For: d}) }

// Close closes the connections. Then Open may be called again.
func (c *Client) Close() error {
	_, err := c.ask(request{Do: "close"})
	return err
}

// End ends the generator process.
func (c *Client) End() {
	c.in.Close()
	c.cmd.Wait()
}
