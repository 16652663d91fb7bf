package api

import "fmt"

// A layer is a box in the picture of the layers. Its position is in units of the grid.
type layer struct {
	row, column, width, rows int
	look                     look
	name, note               string
}

// layers has the packages from top to bottom. A package imports only packages that are in lower
// rows. The test checks this against the imports.
var layers = []layer{
	{0, 0, 9, 1, outside, "your program, cmd/echo", "callbacks, tasks or goroutines"},
	{0, 9, 3, 1, public, "sim/simnet", "net in a bubble"},
	{1, 0, 2, 2, public, "eviocompat", "evio's API"},
	{1, 2, 2, 2, public, "frame", "messages"},
	{1, 4, 4, 2, public, "select", "Poll (package sel)"},
	{1, 8, 4, 1, public, "websocket", "RFC 6455"},
	{2, 8, 4, 1, public, "netconn", "net.Conn, TLS"},
	{3, 0, 2, 1, public, "inspect", "a live page"},
	{3, 2, 1, 1, public, "metrics", "text"},
	{3, 3, 1, 1, public, "looplabels", "pprof"},
	{3, 4, 8, 1, public, "socket", "MicroPython's sockets"},
	{4, 0, 12, 1, public, "reactor", "the loop: Conns, timers, posts, tasks, Groups"},
	{5, 0, 4, 1, internal, "internal/netaddr", "addresses, socket files"},
	{5, 4, 4, 1, public, "proxyproto", "PROXY headers"},
	{5, 8, 4, 1, internal, "internal/secure", "TLS on a Desc"},
	{6, 0, 8, 1, internal, "internal/desc", "Desc: how a call waits and closes"},
	{6, 8, 4, 1, public, "sim", "a simulated Kernel"},
	{7, 0, 12, 1, internal, "internal/kernel", "the host's Kernel: the one seam to the operating system"},
	{8, 0, 8, 1, public, "kernel", "Kernel: what a system must do"},
	{9, 0, 8, 1, public, "poller", "Events: epoll, kqueue"},
	{10, 0, 8, 1, public, "timeout", "Timeouts and Deadlines"},
	{8, 8, 4, 3, outside, "operating system", "called by kernel and poller"},
}

func drawLayers() string {
	const unit, high, gap, left, top = 56, 46, 8, 60, 16
	s := newSVG(left+12*unit+16, top+11*(high+gap)+40, "The layers of packages. A package imports only packages below it.")
	for _, l := range layers {
		s.box(left+l.column*unit+gap/2, top+l.row*(high+gap), l.width*unit-gap, l.rows*high+(l.rows-1)*gap, l.look, l.name, l.note)
	}
	s.arrow(fmt.Sprintf("M 32,%d V %d", top, top+11*high+10*gap))
	fmt.Fprintf(s, `<g transform="translate(24 %d) rotate(-90)">`, top+11*(high+gap)/2)
	s.text(0, 0, "middle", "note", "imports")
	s.WriteString("</g>\n")
	y := top + 11*(high+gap) + 12
	for i, k := range []struct {
		look look
		text string
	}{{public, "exported package"}, {internal, "internal package"}, {outside, "outside"}} {
		s.box(left+gap/2+i*190, y-4, 22, 16, k.look, "", "")
		s.text(left+gap/2+i*190+30, y+9, "start", "note", k.text)
	}
	return s.end()
}
