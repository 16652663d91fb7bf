package sim

import "github.com/ureactor/ureactor/internal/kernel"

// An option is a socket option that a program has set.
type option struct{ level, name, value int }

// knownOptions lists the options that can be set and read. They have no effect except in setOpt.
var knownOptions = [][2]int{
	{kernel.SOL_SOCKET, kernel.SO_REUSEADDR}, {kernel.SOL_SOCKET, kernel.SO_REUSEPORT}, {kernel.SOL_SOCKET, kernel.SO_BROADCAST},
	{kernel.SOL_SOCKET, kernel.SO_KEEPALIVE}, {kernel.SOL_SOCKET, kernel.SO_SNDBUF}, {kernel.SOL_SOCKET, kernel.SO_RCVBUF},
	{kernel.SOL_SOCKET, kernel.SO_DONTROUTE}, {kernel.SOL_SOCKET, kernel.SO_OOBINLINE}, {kernel.SOL_SOCKET, kernel.SO_RCVLOWAT},
	{kernel.IPPROTO_TCP, kernel.TCP_NODELAY}, {kernel.IPPROTO_TCP, kernel.TCP_MAXSEG}, {kernel.IPPROTO_TCP, kernel.TCP_KEEPIDLE},
	{kernel.IPPROTO_TCP, kernel.TCP_KEEPINTVL}, {kernel.IPPROTO_TCP, kernel.TCP_KEEPCNT}, {kernel.IPPROTO_TCP, kernel.TCP_USER_TIMEOUT},
	{kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY}, {kernel.IPPROTO_IP, kernel.IP_TOS},
	{kernel.IPPROTO_IP, kernel.IP_TTL}, {kernel.IPPROTO_IP, kernel.IP_MULTICAST_TTL}, {kernel.IPPROTO_IP, kernel.IP_MULTICAST_LOOP},
	{kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_HOPS}, {kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_LOOP},
	{kernel.IPPROTO_IPV6, kernel.IPV6_UNICAST_HOPS}, {kernel.IPPROTO_IPV6, kernel.IPV6_MULTICAST_IF},
	{kernel.IPPROTO_IP, kernel.IP_RECVLOCAL}, {kernel.IPPROTO_IPV6, kernel.IPV6_RECVPKTINFO},
	{kernel.IPPROTO_IP, kernel.IP_RECVTOS}, {kernel.IPPROTO_IPV6, kernel.IPV6_RECVTCLASS},
}

func known(level, name int) bool {
	if level == kernel.IPPROTO_TCP && name == 0 { // the machine has no such option
		return false
	}
	for _, o := range knownOptions {
		if o[0] == level && o[1] == name {
			return true
		}
	}
	return false
}

// hasLevel returns whether a socket has options of the level. Datagram sockets have no options of
// TCP.
func hasLevel(f file, level int) bool {
	_, datagrams := f.(*udp)
	return !datagrams || level != kernel.IPPROTO_TCP
}

// foreign returns whether the socket is a Unix socket on Linux and the option belongs to another
// level.
func (h *Host) foreign(f file, level int) bool {
	_, unix := f.(*unixSocket)
	return unix && level != kernel.SOL_SOCKET && h.os() == Linux
}

func put(list *[]option, level, name, value int) {
	for i := range *list {
		if o := &(*list)[i]; o.level == level && o.name == name {
			o.value = value
			return
		}
	}
	*list = append(*list, option{level, name, value})
}

func get(list []option, level, name int) int {
	n, _ := lookup(list, level, name)
	return n
}

func lookup(list []option, level, name int) (value int, set bool) {
	for _, o := range list {
		if o.level == level && o.name == name {
			return o.value, true
		}
	}
	return 0, false
}

// options returns the list of options that were set on a socket.
func options(f file) *[]option {
	switch s := f.(type) {
	case *tcp:
		return &s.opts
	case *udp:
		return &s.opts
	case *unixSocket:
		return &s.opts
	}
	return nil
}

func (h *Host) setOpt(f file, level, name, value int) Errno {
	list := options(f)
	if level == kernel.SOL_SOCKET && name == kernel.SO_LINGER && h.os() == Linux {
		return kernel.EINVAL // the option is a structure
	}
	if h.foreign(f, level) {
		return kernel.EOPNOTSUPP
	}
	if list == nil || !known(level, name) && !h.kept(f, level, name) || !hasLevel(f, level) {
		return kernel.ENOPROTOOPT
	}
	value, e := h.allowed(f, level, name, value)
	if e != 0 {
		return e
	}
	sock := level == kernel.SOL_SOCKET
	if sock && (name == kernel.SO_SNDBUF || name == kernel.SO_RCVBUF) {
		value = min(max(value, bufferMin), bufferMax)
	}
	if sock && name == kernel.SO_RCVLOWAT {
		value = max(value, 1)
	}
	put(list, level, name, value)
	switch s := f.(type) {
	case *tcp:
		if sock && name == kernel.SO_RCVLOWAT {
			s.lowat = min(value, s.rcvbuf/2) // a larger value could never be reached
			s.wake(0)
		}
		s.inet.set(level, name, value)
		s.lonely()
		if sock && name == kernel.SO_SNDBUF {
			s.sndbuf = value
		}
		if sock && name == kernel.SO_RCVBUF {
			s.rcvbuf = value
		}
	case *udp:
		s.inet.set(level, name, value)
		if sock && name == kernel.SO_RCVBUF {
			s.rcvbuf = value
		}
		if sock && name == kernel.SO_SNDBUF && h.os() != Linux {
			s.most = value
		}
		if level == kernel.IPPROTO_IP && name == kernel.IP_MULTICAST_LOOP || level == kernel.IPPROTO_IPV6 && name == kernel.IPV6_MULTICAST_LOOP {
			s.quiet = value == 0
		}
		if level == kernel.IPPROTO_IP && name == kernel.IP_RECVLOCAL || level == kernel.IPPROTO_IPV6 && name == kernel.IPV6_RECVPKTINFO {
			s.tells = value != 0
		}
		if level == kernel.IPPROTO_IP && name == kernel.IP_RECVTOS || level == kernel.IPPROTO_IPV6 && name == kernel.IPV6_RECVTCLASS {
			s.marks = value != 0
		}
	case *unixSocket:
		if sock && name == kernel.SO_SNDBUF {
			s.sndbuf = value
		}
	}
	return 0
}

func (s *inet) set(level, name, value int) {
	switch {
	case level == kernel.SOL_SOCKET && name == kernel.SO_REUSEADDR:
		s.reuseAddr = value != 0
	case level == kernel.SOL_SOCKET && name == kernel.SO_REUSEPORT:
		s.reusePort = value != 0
	case level == kernel.IPPROTO_IPV6 && name == kernel.IPV6_V6ONLY:
		s.v6only = value != 0
	}
}

func (h *Host) getOpt(f file, level, name int) (int, Errno) {
	list := options(f)
	if list == nil {
		return 0, kernel.ENOPROTOOPT
	}
	if h.os() == Linux && !hasLevel(f, level) || h.foreign(f, level) {
		return 0, kernel.EOPNOTSUPP
	}
	if n, ok := h.linuxOnly(f, level, name); ok {
		return n, 0
	}
	if level == kernel.SOL_SOCKET {
		switch name {
		case kernel.SO_ERROR:
			return int(takeError(f)), 0
		case kernel.SO_TYPE:
			if s, ok := f.(*unixSocket); ok && !s.stream {
				return kernel.SOCK_DGRAM, 0
			}
			if _, ok := f.(*udp); ok {
				return kernel.SOCK_DGRAM, 0
			}
			return kernel.SOCK_STREAM, 0
		case kernel.SO_ACCEPTCONN:
			switch s := f.(type) {
			case *tcp:
				return one(s.phase == listening), 0
			case *unixSocket:
				return one(s.phase == listening), 0
			}
			return 0, 0
		case kernel.SO_SNDBUF, kernel.SO_RCVBUF:
			return buffers(f, name == kernel.SO_SNDBUF), 0
		}
	}
	if !known(level, name) && !h.kept(f, level, name) || !hasLevel(f, level) {
		return 0, kernel.ENOPROTOOPT
	}
	n, set := lookup(*list, level, name)
	if !set {
		n = h.initial(level, name)
	}
	if n != 0 && h.os() != Linux && flag(level, name) != 0 {
		n = flag(level, name)
	}
	return n, 0
}

// flag returns the value that a BSD reports for an option that is on. It is the bit in which the
// BSD stores the option.
func flag(level, name int) int {
	switch {
	case level == kernel.IPPROTO_TCP && name == kernel.TCP_NODELAY, level == kernel.SOL_SOCKET && name == kernel.SO_REUSEADDR:
		return 0x4
	case level != kernel.SOL_SOCKET:
		return 0
	}
	switch name {
	case kernel.SO_KEEPALIVE:
		return 0x8
	case kernel.SO_DONTROUTE:
		return 0x10
	case kernel.SO_BROADCAST:
		return 0x20
	case kernel.SO_OOBINLINE:
		return 0x100
	case kernel.SO_REUSEPORT:
		return 0x200
	}
	return 0
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func takeError(f file) Errno {
	switch s := f.(type) {
	case *tcp:
		return s.fault()
	case *unixSocket:
		return s.fault()
	case *udp:
		e := s.err
		s.err = 0
		return e
	}
	return 0
}

func buffers(f file, send bool) int {
	switch s := f.(type) {
	case *tcp:
		if send {
			return s.sndbuf
		}
		return s.rcvbuf
	case *udp:
		return s.rcvbuf
	}
	return f.(*unixSocket).sndbuf
}
