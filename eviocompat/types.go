//go:build linux || darwin || freebsd

package eviocompat

import "github.com/tidwall/evio"

// These are evio's types, so that a program needs only this import.
type (
	Action      = evio.Action
	Conn        = evio.Conn
	Events      = evio.Events
	InputStream = evio.InputStream
	LoadBalance = evio.LoadBalance
	Options     = evio.Options
	Server      = evio.Server
)

// These are the actions that a function of Events can return.
const (
	None     = evio.None
	Detach   = evio.Detach
	Close    = evio.Close
	Shutdown = evio.Shutdown
)

// These are the ways to distribute connections among the loops.
const (
	Random           = evio.Random // the kernel's choice if it has one
	RoundRobin       = evio.RoundRobin
	LeastConnections = evio.LeastConnections
)
