//go:build cgo

package main

import (
	"errors"
	"iter"
	"syscall"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func init() { impl = module{} }

// module is packages socket and sel as the scripts see them.
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

// pythonError is the error as the exported functions know it.
func pythonError(err error) error {
	var os *socket.OSError
	switch {
	case errors.As(err, &os) && os.Errno < 0:
		return GAI(os.Errno)
	case errors.Is(err, socket.ErrValue), errors.Is(err, sel.ErrValue):
		return ErrValue
	}
	return err
}

// streamError is the error of a stream method that moved n bytes: nothing at all is None (D28 in
// doc/semantics.md).
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

// wrapped is a socket; package sel takes it by its method Socket.
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
	if errors.Is(err, socket.ErrValue) { // a function where none belongs
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

// poll keeps the walk of its last IPoll.
type poll struct {
	p    *sel.Poll
	walk iter.Seq2[sel.Pollable, sel.Events]
}

// Poll is what package sel asks an Object of Python's.
func (o *Object) Poll(mask sel.Events) (sel.Events, error) {
	r, err := o.Ioctl(3, int(mask))
	return sel.Events(r), err
}

func goPollable(p Pollable) sel.Pollable {
	if fd, ok := p.(FD); ok {
		return sel.FD(fd)
	}
	return p
}

func pythonPollable(p sel.Pollable) Pollable {
	if fd, ok := p.(sel.FD); ok {
		return FD(fd)
	}
	return p
}

func goPollables(list []Pollable) (r []sel.Pollable) {
	for _, p := range list {
		r = append(r, goPollable(p))
	}
	return r
}

func pythonPollables(list []sel.Pollable) (r []Pollable) {
	for _, p := range list {
		r = append(r, pythonPollable(p))
	}
	return r
}

func (p *poll) Register(obj Pollable, mask int) error {
	return pythonError(p.p.Register(goPollable(obj), sel.Events(mask)))
}

func (p *poll) Modify(obj Pollable, mask int) error {
	return pythonError(p.p.Modify(goPollable(obj), sel.Events(mask)))
}

func (p *poll) Unregister(obj Pollable) error { return pythonError(p.p.Unregister(goPollable(obj))) }

func (p *poll) Poll(ms int) ([]Event, error) {
	found, err := p.p.Poll(ms)
	var list []Event
	for _, ev := range found {
		list = append(list, Event{pythonPollable(ev.Obj), int(ev.Events)})
	}
	return list, pythonError(err)
}

func (p *poll) IPoll(ms, flags int) (err error) {
	p.walk, err = p.p.IPoll(ms, flags)
	return pythonError(err)
}

// Next goes on with the walk.
func (p *poll) Next() (Event, bool) {
	if p.walk == nil {
		return Event{}, false
	}
	for obj, ev := range p.walk {
		return Event{pythonPollable(obj), int(ev)}, true
	}
	return Event{}, false
}
