//go:build linux || darwin || freebsd

package eviocompat

import "github.com/tidwall/evio"

// evio's types: a program then needs this import only.
type (
	Action      = evio.Action
	Conn        = evio.Conn
	Events      = evio.Events
	InputStream = evio.InputStream
	LoadBalance = evio.LoadBalance
	Options     = evio.Options
	Server      = evio.Server
)

// Actions that a function of Events returns.
const (
	None     = evio.None
	Detach   = evio.Detach
	Close    = evio.Close
	Shutdown = evio.Shutdown
)

// Ways to distribute connections among the loops.
const (
	Random           = evio.Random // the kernel's choice, where there is one
	RoundRobin       = evio.RoundRobin
	LeastConnections = evio.LeastConnections
)
