//go:build unix

package api

import (
	"maps"
	"syscall"

	"github.com/ureactor/ureactor/socket"
)

// init adds the functions of package socket.
func init() { maps.Copy(functions, socketFunctions) }

var socketFunctions = map[string]any{
	"socket.New": func(family, typ, proto int) error {
		s, err := socket.New(family, typ, proto)
		if err == nil {
			err = s.Close()
		}
		return err
	},
	"socket.NewSSLContext": func(protocol int) error { _, err := socket.NewSSLContext(protocol); return err },
	"socket.FromFD": func(fd int) error { // the test itself closes open descriptors
		d, err := syscall.Dup(fd)
		if err == nil {
			defer syscall.Close(d)
			fd = d
		}
		s, err := socket.FromFD(fd)
		if err == nil {
			_, err = s.Detach()
		}
		return err
	},
	"socket.Tuple": func(port int) error {
		s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Bind(socket.Tuple("127.0.0.1", port))
	},
	"socket.Tuple6": func(port, flow, scope int) error {
		s, err := socket.New(socket.AF_INET6, socket.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Bind(socket.Tuple6("::1", port, flow, scope))
	},
	"socket.GetAddrInfo": func(af, typ, proto, flags int) error {
		_, err := socket.GetAddrInfo("127.0.0.1", "9", af, typ, proto, flags)
		return err
	},
	"socket.Rights": func(fds ...int) error {
		s, err := socket.New(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Bind(socket.Path("@misuse-rights")); err != nil {
			return err
		}
		_, err = s.SendMsg([]byte{1}, socket.Rights(fds...), 0, socket.Path("@misuse-rights"))
		return err
	},
	"socket.InetPton": func(family int) error { _, err := socket.InetPton(family, "127.0.0.1"); return err },
	"socket.InetNtop": func(family int, p []byte) error { _, err := socket.InetNtop(family, p); return err },
}
