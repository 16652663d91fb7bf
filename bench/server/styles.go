// Package server has the servers that are measured: how each is built, its settings, its abilities,
// and its process.
package server

import (
	"slices"
)

// A Style is one way to write the echo server, with the settings that suit it best. Several styles
// may share a program.
type Style struct {
	Name  string
	About string // description and settings, for the report
	Ours  bool
	Args  []string
	Env   []string // in addition to the suite's environment

	Networks  []string // in addition to tcp: "udp", "unix"
	Protocols []string // in addition to the echo: tls, http, frame, websocket, deflate, room
	NoEcho    bool     // it has only its Protocols
	Timers    bool     // accepts -timers. The C loop ignores it.
	Stops     bool     // stops in an orderly way (SIGTERM with -stop)
	Panics    string   // who recovers from a panic: "" nobody, "recover" the program, else the library
	Conn      string   // the test of its net.Conn in nettest/; "" if it has none

	build func(bin string) error // makes the program bin
	bin   string                 // below bench/bin
}

// two is needed because with GOMAXPROCS 1 there is never an idle P. The runtime's monitor then
// takes the loop's P in every longer sleep.
var two = []string{"GOMAXPROCS=2"}

// All has the styles. The first style that could be built is the reference. Every other style is
// compared with the slices of the reference beside its own slices.
var All = []Style{
	{Name: "c", About: "the limit: one epoll loop in C, level-triggered, 64 KiB buffer, gcc -O2",
		Networks: []string{"udp", "unix"}, Timers: true, bin: "epoll", build: gcc("c/epoll.c")},
	{Name: "c-again", About: "control: the same binary a second time",
		Networks: []string{"udp", "unix"}, Timers: true, bin: "epoll", build: gcc("c/epoll.c")},
	{Name: "callback", About: "ours: reactor.Handler, every option at its default; GOMAXPROCS 2 on its one core",
		Ours: true, Env: two, Networks: []string{"udp", "unix"}, Timers: true, Stops: true, Panics: "WithPanicHandler",
		Protocols: []string{"tls", "http", "frame", "websocket", "deflate", "room"}, bin: "callback", build: golang("./servers/callback")},
	{Name: "task", About: "ours: a task for each connection, blocking in Data and SendAll; GOMAXPROCS 2 on its one core",
		Ours: true, Env: two, Networks: []string{"udp", "unix"}, Stops: true, Panics: "WithPanicHandler",
		Protocols: []string{"tls", "http", "frame", "websocket", "deflate"}, bin: "task", build: golang("./servers/task")},
	{Name: "goroutine", About: "ours: a goroutine for each connection, parked in Data and SendAll",
		Ours: true, Networks: []string{"udp", "unix"}, Panics: "recover", Conn: "TestNetconn",
		Protocols: []string{"tls", "http", "websocket", "deflate"}, bin: "goroutine", build: golang("./servers/goroutine")},
	{Name: "poll", About: "ours: the program's own loop over sel.Poll and non-blocking sockets; GOMAXPROCS 2 on its one core",
		Ours: true, Env: two, Networks: []string{"udp", "unix"}, Panics: "recover",
		bin: "poll", build: golang("./servers/poll")},
	{Name: "group", About: "ours: two loops of a reactor.Group, here on the one core; GOMAXPROCS 3",
		Ours: true, Env: []string{"GOMAXPROCS=3"}, Networks: []string{"udp", "unix"}, Stops: true, Panics: "WithPanicHandler",
		bin: "group", build: golang("./servers/group")},
	{Name: "eviocompat", About: "ours behind evio's API: the server of evio with another import; GOMAXPROCS 2 on its one core",
		Ours: true, Env: two, Networks: []string{"udp", "unix"}, Stops: true, Panics: "WithPanicHandler",
		bin: "eviocompat", build: golang("./servers/eviocompat")},
	{Name: "net", About: "standard library: a goroutine for each connection, 64 KiB buffer each; WebSocket is coder/websocket v1.8.15",
		Networks: []string{"udp", "unix"}, Timers: true, Panics: "recover", Conn: "TestNet",
		Protocols: []string{"tls", "http", "websocket", "deflate", "room"}, bin: "net", build: golang("./servers/net")},
	{Name: "evio", About: "evio v1.0.8: one loop, ReuseInputBuffer; it cannot turn Nagle's algorithm off",
		Networks: []string{"udp", "unix"}, Stops: true, bin: "evio", build: golang("./servers/evio")},
	{Name: "gnet", About: "gnet v2.9.4: one event loop, level-triggered, 64 KiB read buffer, Next(-1) and Write without a copy; built with its tags poll_opt and gc_opt",
		Networks: []string{"udp", "unix"}, Stops: true, bin: "gnet", build: golang("./servers/gnet", "-tags=poll_opt,gc_opt")},
	{Name: "netpoll", About: "netpoll v0.7.2: one poller, its pool of goroutines, Next and WriteBinary without a copy",
		Networks: []string{"unix"}, Stops: true, Panics: "its goroutine pool", Conn: "TestNetpoll",
		bin: "netpoll", build: golang("./servers/netpoll")},
	{Name: "nbio", About: "nbio v1.6.8: one poller, level-triggered, which reads and calls the handler itself",
		Networks: []string{"udp", "unix"}, Stops: true, Protocols: []string{"websocket", "deflate"},
		bin: "nbio", build: golang("./servers/nbio")},
	{Name: "fasthttp", About: "fasthttp v1.78.0: its server with a pool of goroutines, every option at its default",
		NoEcho: true, Protocols: []string{"http"}, bin: "fasthttp", build: golang("./servers/fasthttp")},
	{Name: "gws", About: "gws v1.8.9: WebSocket with a goroutine for each connection, every option at its default",
		NoEcho: true, Protocols: []string{"websocket", "deflate", "room"}, bin: "gws", build: golang("./servers/gws")},
}

// Serves returns whether the style has the network.
func (s Style) Serves(network string) bool {
	return network == "tcp" || slices.Contains(s.Networks, network)
}

// Speaks returns whether the style has the protocol. "" is the echo.
func (s Style) Speaks(protocol string) bool {
	return protocol == "" && !s.NoEcho || slices.Contains(s.Protocols, protocol)
}

// Again returns a control, which is the same server with another name.
func (s Style) Again() Style {
	s.Name, s.About = s.Name+"-again", "control: the same a second time"
	return s
}
