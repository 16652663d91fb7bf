package suite

import (
	"syscall"

	"github.com/ureactor/ureactor/bench/load"
)

// A Scenario is what the clients do, with a name for the report.
type Scenario struct {
	Name  string
	About string
	load.Shape
	Idle bool // not a load: memory of each idle connection
}

const idle = 10_000 // connections, where many are meant

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
	pingPong("64B-x100", 100, 64, 1),
	{Name: "100-of-10000", About: "64 B on 100 connections, 9,900 idle beside them",
		Shape: load.Shape{Conns: idle, Active: 100, Size: 64, Pipeline: 1, Depth: 1}},
	{Name: "idle-memory", About: "10,000 connections after one echo each: resident memory after a collection, less that without them",
		Shape: load.Shape{Conns: idle, Active: idle, Size: 64, Pipeline: 1, Depth: 1}, Idle: true},
}

func pingPong(name string, conns, size, pipeline int) Scenario {
	s := Scenario{Name: name, Shape: load.Shape{Conns: conns, Active: conns, Size: size, Pipeline: pipeline, Depth: 1}}
	s.About = "ping-pong: a message is sent when the last has come back"
	if pipeline > 1 {
		s.About = "ping-pong of batches: 16 messages in one write"
	}
	return s
}

// raiseLimit raises the descriptor limit as far as it goes, here and for the children, and says how far that is.
func raiseLimit() uint64 {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil {
		return 0
	}
	lim.Cur = lim.Max
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim) // Go gives children the old limit unless it was set by hand
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim)
	return lim.Cur
}
