//go:build cgo

package main

import (
	"errors"
	"syscall"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func init() { impl = module{} }

// module is the packages socket and sel in the form that scripts use.
type module struct{}

var constants = map[string]int{
	"AF_INET": socket.AF_INET, "AF_INET6": socket.AF_INET6, "AF_UNIX": socket.AF_UNIX,
	"SOCK_STREAM": socket.SOCK_STREAM, "SOCK_DGRAM": socket.SOCK_DGRAM, "SOCK_RAW": socket.SOCK_RAW,
	"SOL_SOCKET": socket.SOL_SOCKET, "SO_REUSEADDR": socket.SO_REUSEADDR, "SO_BROADCAST": socket.SO_BROADCAST,
	"SO_KEEPALIVE": socket.SO_KEEPALIVE, "SO_LINGER": socket.SO_LINGER, "SO_ERROR": socket.SO_ERROR,
	"SO_SNDBUF": socket.SO_SNDBUF, "SO_RCVBUF": socket.SO_RCVBUF,
	"IPPROTO_IP": socket.IPPROTO_IP, "IPPROTO_TCP": socket.IPPROTO_TCP, "IPPROTO_UDP": socket.IPPROTO_UDP,
	"IPPROTO_SEC": socket.IPPROTO_SEC, "TCP_NODELAY": socket.TCP_NODELAY,
	"MSG_PEEK": socket.MSG_PEEK, "MSG_DONTWAIT": socket.MSG_DONTWAIT, "MSG_DONTROUTE": socket.MSG_DONTROUTE,
	"IP_ADD_MEMBERSHIP": socket.IP_ADD_MEMBERSHIP, "IP_DROP_MEMBERSHIP": socket.IP_DROP_MEMBERSHIP,
}

func (module) Const(name string) (int, bool) {
	v, ok := constants[name]
	return v, ok
}

func (module) InetPton(af int, text string) ([]byte, error) {
	b, err := socket.InetPton(af, text)
	return b, pythonError(err)
}

func (module) InetNtop(af int, b []byte) (string, error) {
	s, err := socket.InetNtop(af, b)
	return s, pythonError(err)
}

func (module) GetAddrInfo(host, port string, af, typ, proto, flags int) ([]AddrInfo, error) {
	found, err := socket.GetAddrInfo(host, port, af, typ, proto, flags)
	var list []AddrInfo
	for _, f := range found {
		list = append(list, AddrInfo{f.Family, f.Type, f.Proto, f.CanonName, *pythonAddr(f.Addr)})
	}
	return list, pythonError(err)
}

func (module) NewSock(af, typ, proto int) (Sock, error) {
	s, err := socket.New(af, typ, proto)
	if err != nil {
		return nil, pythonError(err)
	}
	return &wrapped{s}, nil
}

func (module) NewPoll() Poll { return &poll{p: sel.New()} }

func (module) Select(r, w, x []Pollable, seconds float64, forever bool) (rr, rw, rx []Pollable, err error) {
	if forever {
		seconds = -1
	}
	gr, gw, gx, err := sel.Select(goPollables(r), goPollables(w), goPollables(x), seconds)
	return pythonPollables(gr), pythonPollables(gw), pythonPollables(gx), pythonError(err)
}

// pythonError converts an error to the form that the exported functions understand.
func pythonError(err error) error {
	var os *socket.OSError
	var named interface{ Text() string }
	var refused *socket.VerifyError
	switch {
	case errors.As(err, &refused):
		return Refused(refused.Flags)
	case errors.As(err, &os) && errors.As(err, &named) && named.Text() != "":
		return TLSError(os.Errno)
	case errors.As(err, &os) && os.Errno < 0:
		return GAI(os.Errno)
	case errors.Is(err, socket.ErrValue), errors.Is(err, sel.ErrValue):
		return ErrValue
	}
	return err
}

// streamError returns the error of a stream method that has moved n bytes. If nothing can be moved
// now, the result is None (D28 in doc/semantics.md).
func streamError(n int, err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		if n > 0 {
			return nil
		}
		return ErrNone
	}
	return pythonError(err)
}

func goAddr(a Addr) socket.Addr {
	if a.N == 4 {
		return socket.Tuple6(a.Host, a.Port, a.Flow, a.Scope)
	}
	return socket.Tuple(a.Host, a.Port)
}

func pythonAddr(a socket.Addr) *Addr {
	switch a.Family() {
	case socket.AF_INET:
		return &Addr{Host: a.Host(), Port: a.Port(), N: 2}
	case socket.AF_INET6:
		return &Addr{Host: a.Host(), Port: a.Port(), Flow: a.Flow(), Scope: a.Scope(), N: 4}
	}
	return nil
}

// wrapped is a socket. Package sel finds the socket by the method Socket.
type wrapped struct{ s *socket.Socket }

func (s *wrapped) Socket() *socket.Socket { return s.s }
func (s *wrapped) Fileno() int            { return s.s.Fileno() }
func (s *wrapped) Close() error           { return pythonError(s.s.Close()) }
func (s *wrapped) Bind(a Addr) error      { return pythonError(s.s.Bind(goAddr(a))) }
func (s *wrapped) Connect(a Addr) error   { return pythonError(s.s.Connect(goAddr(a))) }

func (s *wrapped) Listen(backlog int, given bool) error {
	if given {
		return pythonError(s.s.Listen(backlog))
	}
	return pythonError(s.s.Listen(socket.DefaultBacklog))
}

func (s *wrapped) Accept() (Sock, *Addr, error) {
	conn, from, err := s.s.Accept()
	if err != nil {
		return nil, nil, pythonError(err)
	}
	return &wrapped{conn}, pythonAddr(from), nil
}

func (s *wrapped) Send(p []byte) (int, error) {
	n, err := s.s.Send(p)
	return n, pythonError(err)
}

func (s *wrapped) SendAll(p []byte) error {
	_, err := s.s.SendAll(p)
	return pythonError(err)
}

func (s *wrapped) SendTo(p []byte, a Addr) (int, error) {
	n, err := s.s.SendTo(p, goAddr(a))
	return n, pythonError(err)
}

func (s *wrapped) Recv(bufsize, flags int) ([]byte, error) {
	p, err := s.s.RecvFlags(bufsize, flags)
	return p, pythonError(err)
}

func (s *wrapped) RecvFrom(bufsize, flags int) ([]byte, *Addr, error) {
	p, from, err := s.s.RecvFromFlags(bufsize, flags)
	if err != nil {
		return nil, nil, pythonError(err)
	}
	return p, pythonAddr(from), nil
}

func (s *wrapped) SetOptInt(level, opt, value int) error {
	return pythonError(s.s.SetSockOpt(level, opt, value))
}

func (s *wrapped) SetOptBytes(level, opt int, value []byte) error {
	return pythonError(s.s.SetSockOpt(level, opt, value))
}

func (s *wrapped) SetCallback(level, opt int, f func()) error {
	var err error
	if f == nil {
		err = s.s.SetSockOpt(level, opt, nil)
	} else {
		err = s.s.SetSockOpt(level, opt, func(*socket.Socket) { f() })
	}
	if errors.Is(err, socket.ErrValue) { // a function as a value of another option
		return ErrType
	}
	return pythonError(err)
}

func (s *wrapped) SetTimeout(seconds float64, none bool) error {
	if none {
		return pythonError(s.s.SetTimeout(timeout.None))
	}
	return pythonError(s.s.SetTimeoutSeconds(seconds))
}

func (s *wrapped) SetBlocking(on bool) error { return pythonError(s.s.SetBlocking(on)) }

func (s *wrapped) MakeFile(mode string, buffering int) error {
	_, err := s.s.MakeFile(mode)
	return pythonError(err)
}

func (s *wrapped) Read(size int, given bool) (p []byte, err error) {
	if given {
		p, err = s.s.ReadSize(size)
	} else {
		p, err = s.s.ReadAll()
	}
	return p, streamError(len(p), err)
}

func (s *wrapped) ReadInto(p []byte) (int, error) {
	n, err := s.s.ReadInto(p)
	return n, streamError(n, err)
}

func (s *wrapped) ReadLine(max int) ([]byte, error) {
	p, err := s.s.ReadLineMax(max)
	return p, streamError(len(p), err)
}

func (s *wrapped) Write(p []byte) (int, error) {
	n, err := s.s.Write(p)
	return n, streamError(n, err)
}
