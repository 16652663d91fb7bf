package sim

import (
	"fmt"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

func (r record) String() string {
	return fmt.Sprintf("%8d %14s %s", r.step, stamp(r.at), r.what())
}

func (r record) what() string {
	switch r.kind {
	case isWorld:
		return r.text
	case isFault:
		return "! " + r.text
	case isPacket:
		return r.host.name + " → " + r.to.name + " " + r.text
	case isLog:
		return r.host.name + " " + r.text
	}
	return r.host.name + " " + r.c.String() + r.call()
}

// call returns the arguments and the result of a call in the format of strace.
func (r *record) call() string {
	args, result := r.args, strconv.Itoa(r.res)
	fd := strconv.Itoa(r.fd)
	if r.fd < 0 {
		fd = ""
	}
	switch r.c {
	case NewPoller, Socket, FileOpen: // the result is the descriptor
		if fd, result = "", fd; r.fd < 0 { // a directory
			result = "0"
		}
	case LocalAddr, PeerAddr:
		args, result = "", args
	case Ready:
		result = poller.Readiness(r.res).String()
	case Bind, Listen, Connect, Shutdown, SetOpt, SetOptBytes, FileTruncate: // res is an argument
		result = "0"
	}
	if r.c == Connect && r.text != "" { // text contains both addresses
		args = ""
	}
	if fd != "" && args != "" {
		args = ", " + args
	}
	s := "(" + fd + args + ")"
	switch {
	case r.e == kernel.EBADF && r.fd >= 0 && r.fd < firstFile:
		return s + " EBADF: a simulated host has no such descriptor; a real one?"
	case r.e != 0:
		s += " " + ErrnoName(r.e)
	default:
		s += " = " + result
	}
	if r.text != "" && (r.e == 0 || r.c == Connect) {
		s += " " + r.text
	}
	return s
}

// args stores the arguments of the call in progress, without the descriptor, for its record. For a
// call that returns an address, args stores the result instead.
func (h *Host) args(text func() string) {
	if t := &h.w.trace; t.keep != 0 && !t.sealed {
		t.args = text()
	}
}

func quoted(name string) func() string { return func() string { return strconv.Quote(name) } }

func shutText(how int) string {
	switch how {
	case kernel.SHUT_RD:
		return "SHUT_RD"
	case kernel.SHUT_WR:
		return "SHUT_WR"
	case kernel.SHUT_RDWR:
		return "SHUT_RDWR"
	}
	return strconv.Itoa(how)
}

func kindText(kind int) string {
	if kind == kernel.SOCK_STREAM {
		return "SOCK_STREAM"
	}
	return "SOCK_DGRAM"
}

func openText(flag int) string {
	s := "O_RDONLY"
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		s = "O_RDWR"
	}
	for _, f := range []struct {
		bit  int
		name string
	}{{os.O_CREATE, "O_CREAT"}, {os.O_EXCL, "O_EXCL"}, {os.O_TRUNC, "O_TRUNC"}, {os.O_APPEND, "O_APPEND"}} {
		if flag&f.bit != 0 {
			s += "|" + f.name
		}
	}
	return s
}

func optionText(level, name int) string {
	for _, o := range optionNames {
		if o.level == level && o.name == name {
			return o.text
		}
	}
	return fmt.Sprintf("level %d, option %d", level, name)
}

// optionNames contains the options that programs use most.
var optionNames = []struct {
	level, name int
	text        string
}{
	{kernel.SOL_SOCKET, kernel.SO_ERROR, "SO_ERROR"}, {kernel.SOL_SOCKET, kernel.SO_REUSEADDR, "SO_REUSEADDR"},
	{kernel.SOL_SOCKET, kernel.SO_REUSEPORT, "SO_REUSEPORT"}, {kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, "SO_KEEPALIVE"},
	{kernel.SOL_SOCKET, kernel.SO_SNDBUF, "SO_SNDBUF"}, {kernel.SOL_SOCKET, kernel.SO_RCVBUF, "SO_RCVBUF"},
	{kernel.SOL_SOCKET, kernel.SO_LINGER, "SO_LINGER"}, {kernel.SOL_SOCKET, kernel.SO_ACCEPTCONN, "SO_ACCEPTCONN"},
	{kernel.SOL_SOCKET, kernel.SO_TYPE, "SO_TYPE"}, {kernel.SOL_SOCKET, kernel.SO_BROADCAST, "SO_BROADCAST"},
	{kernel.IPPROTO_TCP, kernel.TCP_NODELAY, "TCP_NODELAY"}, {kernel.IPPROTO_IPV6, kernel.IPV6_V6ONLY, "IPV6_V6ONLY"},
}

// stamp returns a time in µs.
func stamp(at int64) string {
	d := at - epoch
	return fmt.Sprintf("%d.%09ds", d/int64(time.Second), d%int64(time.Second))
}

// These constants limit how many bytes of data a record shows. A short text is shown whole. Of all
// other data the beginning is shown.
const (
	previewShort  = 200
	previewText   = 72
	previewBinary = 12
)

func preview(p []byte) string {
	most := previewText
	switch {
	case !utf8.Valid(p[:min(len(p), previewBinary)]):
		most = previewBinary
	case len(p) <= previewShort:
		most = previewShort
	}
	if len(p) > most {
		return fmt.Sprintf("%q…", p[:most])
	}
	return fmt.Sprintf("%q", p)
}
