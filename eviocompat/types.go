//go:build linux || darwin || freebsd

package eviocompat

import "github.com/tidwall/evio"

// evio's types, so that the one import is enough.
type (
	Action      = evio.Action
	Conn        = evio.Conn
	Events      = evio.Events
	InputStream = evio.InputStream
	LoadBalance = evio.LoadBalance
	Options     = evio.Options
	Server      = evio.Server
)

// What a function of Events may ask for.
const (
	None     = evio.None
	Detach   = evio.Detach
	Close    = evio.Close
	Shutdown = evio.Shutdown
)

// How connections are divided among the loops.
const (
	Random           = evio.Random // the kernel's choice, where there is one
	RoundRobin       = evio.RoundRobin
	LeastConnections = evio.LeastConnections
)
