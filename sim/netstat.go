package sim

import (
	"fmt"
	"sort"
)

// A SocketInfo is one line of Netstat.
type SocketInfo struct {
	Host     *Host
	FD       int    // -1: no program has the socket, but it still delivers or holds a port
	Program  string // "" means the test
	Kind     string // "tcp", "udp", "unix", "poller", "file" …
	Local    string
	Remote   string
	State    string // of a TCP or Unix socket
	Received int    // bytes that a program can read, or connections that it can accept
	Unsent   int    // bytes that the peer has not acknowledged
}

func (i SocketInfo) String() string {
	owner := i.Program
	if i.FD < 0 {
		owner = "-"
	} else if owner == "" {
		owner = "test"
	}
	return fmt.Sprintf("%-12s %-10s %5d %-6s %8d %8d %24s %24s %s", i.Host.name, owner, i.FD, i.Kind, i.Received, i.Unsent, i.Local, i.Remote, i.State)
}

// Netstat lists all descriptors of all hosts. It also lists TCP connections without a descriptor:
// those that still deliver bytes, and those in TIME_WAIT.
func (w *World) Netstat() (list []SocketInfo) {
	for _, h := range w.hosts {
		for i, f := range h.files {
			if f != nil {
				list = append(list, h.netstat(h.lowest()+i, f))
			}
		}
		var orphans []SocketInfo
		for _, u := range h.ports.used[1] { // sorted below
			for _, c := range u.claims {
				if s, ok := c.f.(*tcp); ok && s.closed {
					orphans = append(orphans, h.netstat(-1, s))
				}
			}
		}
		sort.Slice(orphans, func(i, j int) bool {
			a, b := &orphans[i], &orphans[j]
			return a.Local < b.Local || a.Local == b.Local && a.Remote < b.Remote
		})
		list = append(list, orphans...)
	}
	return list
}

func (h *Host) netstat(fd int, f file) SocketInfo {
	i := SocketInfo{Host: h, FD: fd}
	i.Received, _ = h.received(f)
	if p := f.base().owner; p != nil {
		i.Program = p.name
	}
	switch s := f.(type) {
	case *tcp:
		i.Kind, i.State = "tcp", s.state()
		i.Local, i.Remote = fmt.Sprint(s.told(s.local)), fmt.Sprint(s.told(s.remote))
		i.Unsent = s.out.len()
	case *udp:
		i.Kind = "udp"
		i.Local, i.Remote = fmt.Sprint(s.told(s.local)), fmt.Sprint(s.told(s.remote))
	case *unixSocket:
		i.Kind, i.State, i.Local, i.Remote = "unix", phaseNames[s.phase], s.path, s.remote
		i.Unsent = s.used
	case *epoll:
		i.Kind = "poller"
	case *File:
		i.Kind, i.Local = "file", s.name
	default:
		i.Kind = f.what()
	}
	return i
}

// state returns the state of the socket in the terms of RFC 9293.
func (s *tcp) state() string {
	switch s.phase {
	case fresh:
		return "CLOSED"
	case listening:
		return "LISTEN"
	case connecting:
		return "SYN_SENT"
	case down, silent:
		if s.over() && !s.second {
			return "TIME_WAIT"
		}
		return "CLOSED"
	}
	switch {
	case s.parent != nil:
		return "SYN_RECV"
	case s.gotFIN && !s.finWant:
		return "CLOSE_WAIT"
	case s.gotFIN && s.finAcked:
		return "TIME_WAIT"
	case s.gotFIN:
		return "LAST_ACK"
	case s.finAcked:
		return "FIN_WAIT_2"
	case s.finWant:
		return "FIN_WAIT_1"
	}
	return "ESTABLISHED"
}
