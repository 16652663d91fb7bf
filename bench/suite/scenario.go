package suite

import (
	"fmt"
	"syscall"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/server"
	"github.com/ureactor/ureactor/bench/servers/serve"
)

// A Scenario describes what the clients do. It has a name for the report.
type Scenario struct {
	Name  string
	About string
	load.Shape
	Idle  bool                    // no load: measures the memory of each idle connection
	Full  bool                    // left out of a quick run
	Share float64                 // of the reference's saturation, as a fixed rate; the latency counts
	Args  []string                // of the servers, which then exist only for this scenario
	Can   func(server.Style) bool // the servers that take part; nil: all that serve the network
}

func (s Scenario) network() string {
	if s.Network == "" {
		return "tcp"
	}
	return s.Network
}

// args returns the servers' arguments.
func (s Scenario) args() []string {
	if s.Protocol == "" {
		return s.Args
	}
	return append([]string{"-protocol", s.Protocol}, s.Args...)
}

func (s Scenario) plain() bool { return s.network() == "tcp" && len(s.args()) == 0 }

func (s Scenario) fits(v server.Style) bool {
	return v.Serves(s.network()) && v.Speaks(s.Protocol) && (s.Can == nil || s.Can(v))
}

// standard is the style with which servers of a protocol are compared, because the C loop has no
// protocols.
const standard = "net"

// ref returns the style with which the scenario's servers are compared.
func (r *Result) ref(s Scenario) string {
	if s.Protocol != "" {
		return standard
	}
	return r.Ref()
}

const (
	idle            = 10_000 // the number of connections that is "many"
	asManyAsAllowed = -1     // connections: as many as the descriptor limit allows
	spare           = 64     // descriptors that are not connections
	timers          = 100_000
)

// scaling has numbers of connections. One of them is active.
var scaling = []int{10, 100, 1000, idle}

var scenarios = []Scenario{
	pingPong("64B-x1", 1, 64, 1),
	{Name: "64B-x1-sleepy", About: "the same with a client that sleeps, so that the server pays for waking its core",
		Shape: load.Shape{Conns: 1, Active: 1, Size: 64, Pipeline: 1, Depth: 1, Sleepy: true}},
	pingPong("64B-x50", 50, 64, 1),
	pingPong("64B-x1000", 1000, 64, 1),
	pingPong("64B-x50-pipe16", 50, 64, 16),
	pingPong("16KiB-x50", 50, 16<<10, 1),
	{Name: "1MiB-stream", About: "4 connections, each with a message of 1 MiB under way: sent and read back at the same time",
		Shape: load.Shape{Conns: 4, Active: 4, Size: 1 << 20, Pipeline: 1, Depth: 1}},
	{Name: "churn", About: "50 clients at once: connect, one echo of 64 B, close; a message is a connection",
		Shape: load.Shape{Conns: 50, Active: 50, Size: 64, Pipeline: 1, Depth: 1, Churn: true}},
	{Name: "unix-64B-x50", About: "ping-pong over Unix stream sockets",
		Shape: load.Shape{Network: "unix", Conns: 50, Active: 50, Size: 64, Pipeline: 1, Depth: 1}},
	{Name: "udp-64B-x50", About: "ping-pong of datagrams from 50 sockets to one; the C loop takes and gives up to 16 in one call",
		Shape: load.Shape{Network: "udp", Conns: 50, Active: 50, Size: 64, Pipeline: 1, Depth: 1}},
	{Name: "timers", About: "64 B on 50 connections with 100,000 timers armed, of which each message moves one; the C loop has none",
		Shape: load.Shape{Conns: 50, Active: 50, Size: 64, Pipeline: 1, Depth: 1}, Args: []string{"-timers", fmt.Sprint(timers)},
		Can: func(v server.Style) bool { return v.Timers }},
	among(1, scaling[0]), full(among(1, scaling[1])), full(among(1, scaling[2])), full(among(1, scaling[3])),
	pingPong("64B-x100", 100, 64, 1),
	among(100, idle),
	{Name: "idle-memory", About: "10,000 connections after one echo each: resident memory after a collection, less that without them",
		Shape: load.Shape{Conns: idle, Active: idle, Size: 64, Pipeline: 1, Depth: 1}, Idle: true},
	{Name: "idle-memory-max", Shape: load.Shape{Conns: asManyAsAllowed, Size: 64, Pipeline: 1, Depth: 1}, Idle: true, Full: true},
	tls("tls-64B-x50", 50), tls("tls-64B-x1000", 1000),
	{Name: "tls-handshakes", About: "50 clients at once: connect, handshake without resumption, one echo of 64 B, close_notify and FIN; a message is a connection",
		Shape: load.Shape{Protocol: "tls", Conns: 50, Active: 50, Size: 64, Pipeline: 1, Depth: 1, Churn: true}},
	{Name: "http-hello-x50", About: "GET on 50 connections that stay, the next when the answer has come; 14 bytes of body; a message is a request",
		Shape: load.Shape{Protocol: "http", Conns: 50, Active: 50, Pipeline: 1, Depth: 1}},
	{Name: "http-hello-x50-pipe16", About: "the same with 16 requests in one write, the next 16 when all answers have come",
		Shape: load.Shape{Protocol: "http", Conns: 50, Active: 50, Pipeline: 16, Depth: 1}},
	{Name: "tls-idle-memory", About: "10,000 connections after handshake and one echo each: resident memory after a collection, less that without them",
		Shape: load.Shape{Protocol: "tls", Conns: idle, Active: idle, Size: 64, Pipeline: 1, Depth: 1}, Idle: true, Full: true},
	messages("websocket-64B-x50", serve.WebSocket, 50, 64), messages("websocket-64B-x1000", serve.WebSocket, 1000, 64),
	messages("websocket-16KiB-x50", serve.WebSocket, 50, 16<<10), messages("websocket-16KiB-x1000", serve.WebSocket, 1000, 16<<10),
	messages("websocket-deflate-64B-x50", serve.Deflate, 50, 64), messages("websocket-deflate-16KiB-x50", serve.Deflate, 50, 16<<10),
	messages("websocket-deflate-16KiB-x1000", serve.Deflate, 1000, 16<<10),
	{Name: "websocket-broadcast", About: "a message of 1 KiB to 10,000 connections, the next when all have got it; what a connection receives is a message",
		Shape: load.Shape{Protocol: serve.Room, Conns: idle, Active: 1, Size: 1 << 10, Pipeline: 1, Depth: 1}},
	{Name: "websocket-idle-memory", About: "10,000 connections after handshake and one echo each: resident memory after a collection, less that without them",
		Shape: load.Shape{Protocol: serve.WebSocket, Conns: idle, Active: idle, Size: 64, Pipeline: 1, Depth: 1}, Idle: true},
	full(rate("rate-x50", 50, 50, .2)), rate("rate-x50", 50, 50, .4), full(rate("rate-x50", 50, 50, .6)),
	rate("rate-x50", 50, 50, .8), full(rate("rate-x50", 50, 50, .9)),
	full(rate("rate-100-of-10000", 100, idle, .4)), full(rate("rate-100-of-10000", 100, idle, .8)),
}

func pingPong(name string, conns, size, pipeline int) Scenario {
	s := Scenario{Name: name, Shape: load.Shape{Conns: conns, Active: conns, Size: size, Pipeline: pipeline, Depth: 1}}
	s.About = "ping-pong: a message is sent when the last has come back"
	if pipeline > 1 {
		s.About = "ping-pong of batches: 16 messages in one write"
	}
	return s
}

func tls(name string, conns int) Scenario {
	return Scenario{Name: name, About: "ping-pong over TLS 1.3 with AES-128-GCM; the handshakes are made before",
		Shape: load.Shape{Protocol: "tls", Conns: conns, Active: conns, Size: 64, Pipeline: 1, Depth: 1}}
}

func messages(name, protocol string, conns, size int) Scenario {
	s := Scenario{Name: name, About: "ping-pong of messages over WebSocket, without compression",
		Shape: load.Shape{Protocol: protocol, Conns: conns, Active: conns, Size: size, Pipeline: 1, Depth: 1}}
	if protocol == serve.Deflate {
		s.About = "the same with permessage-deflate without context takeover; the messages are JSON; each server compresses from the size on that is its default"
	}
	return s
}

func among(active, conns int) Scenario {
	return Scenario{Name: fmt.Sprintf("%d-of-%d", active, conns), About: fmt.Sprintf("64 B on %d of %d connections, the others idle", active, conns),
		Shape: load.Shape{Conns: conns, Active: active, Size: 64, Pipeline: 1, Depth: 1}}
}

// rate returns a load at a fixed rate: a share of the reference's peak with the same connections.
func rate(name string, active, conns int, share float64) Scenario {
	return Scenario{Name: fmt.Sprintf("%s@%.0f%%", name, 100*share), Share: share,
		About: fmt.Sprintf("64 B on %d of %d connections at a fixed rate: %.0f %% of what the reference reaches", active, conns, 100*share),
		Shape: load.Shape{Conns: conns, Active: active, Size: 64, Pipeline: 1, Depth: 1}}
}

func full(s Scenario) Scenario {
	s.Full = true
	return s
}

// raiseLimit raises the descriptor limit as far as possible, for this process and its children. It
// returns the limit.
func raiseLimit() uint64 {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil {
		return 0
	}
	lim.Cur = lim.Max
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim) // otherwise Go gives children the old limit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim)
	return lim.Cur
}
