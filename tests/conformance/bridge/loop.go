//go:build cgo

package main

import (
	"context"
	"os"

	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// theLoop is the only reactor of MPNET_KERNEL=loop. Every socket and every Poll belongs to it, and
// each call runs in its own Task.
var theLoop *reactor.Reactor

func init() {
	if os.Getenv("MPNET_KERNEL") != "loop" {
		return
	}
	r, err := reactor.New()
	if err != nil {
		panic(err)
	}
	theLoop = r
	go r.Run(context.Background())
	impl = loopModule{module{}}
}

// notices are callbacks of option 20 that wait for their call. A callback may call the bridge,
// which has to wait for the loop. So another goroutine than the loop's calls them.
var notices = make(chan func(), 10000)

func init() {
	go func() {
		for f := range notices {
			f()
		}
	}()
}

// inTask runs f in a new Task, and returns after f has returned.
func inTask(f func(t *reactor.Task)) {
	done := make(chan struct{})
	if err := theLoop.Post(func() { theLoop.Go(func(t *reactor.Task) { defer close(done); f(t) }) }); err != nil {
		panic(err)
	}
	<-done
}

// A loopModule is a module whose calls run in Tasks. The types below do the same for sockets and
// Polls.
type loopModule struct{ module }

func (m loopModule) NewSock(af, typ, proto int) (s Sock, err error) {
	inTask(func(*reactor.Task) {
		var x *socket.Socket
		if x, err = socket.NewOn(theLoop, af, typ, proto); err == nil {
			s = &loopSock{&wrapped{x}}
		}
		err = pythonError(err)
	})
	return
}

func (m loopModule) GetAddrInfo(host, port string, af, typ, proto, flags int) (list []AddrInfo, err error) {
	inTask(func(t *reactor.Task) {
		var found []socket.AddrInfo
		found, err = socket.GetAddrInfoOn(t, host, port, af, typ, proto, flags)
		for _, f := range found {
			list = append(list, AddrInfo{f.Family, f.Type, f.Proto, f.CanonName, *pythonAddr(f.Addr)})
		}
		err = pythonError(err)
	})
	return
}

func (m loopModule) NewPoll() (p Poll) {
	inTask(func(*reactor.Task) { p = &loopPoll{&poll{p: sel.NewOn(theLoop)}} })
	return
}

func (m loopModule) Select(r, w, x []Pollable, seconds float64, forever bool) (rr, rw, rx []Pollable, err error) {
	if forever {
		seconds = -1
	}
	inTask(func(*reactor.Task) {
		var gr, gw, gx []sel.Pollable
		gr, gw, gx, err = sel.SelectOn(theLoop, goPollables(r), goPollables(w), goPollables(x), seconds)
		rr, rw, rx, err = pythonPollables(gr), pythonPollables(gw), pythonPollables(gx), pythonError(err)
	})
	return
}

type loopSock struct{ w *wrapped }

func (s *loopSock) Socket() *socket.Socket { return s.w.s }
func (s *loopSock) Fileno() (n int)        { inTask(func(*reactor.Task) { n = s.w.Fileno() }); return }
func (s *loopSock) Close() (err error) {
	inTask(func(*reactor.Task) { err = s.w.Close() })
	return
}
func (s *loopSock) Bind(a Addr) (err error) {
	inTask(func(*reactor.Task) { err = s.w.Bind(a) })
	return
}
func (s *loopSock) Listen(b int, g bool) (err error) {
	inTask(func(*reactor.Task) { err = s.w.Listen(b, g) })
	return
}
func (s *loopSock) Accept() (c Sock, a *Addr, err error) {
	inTask(func(*reactor.Task) {
		var x Sock
		if x, a, err = s.w.Accept(); err == nil {
			c = &loopSock{x.(*wrapped)}
		}
	})
	return
}
func (s *loopSock) Connect(a Addr) (err error) {
	inTask(func(*reactor.Task) { err = s.w.Connect(a) })
	return
}
func (s *loopSock) Send(p []byte) (n int, err error) {
	inTask(func(*reactor.Task) { n, err = s.w.Send(p) })
	return
}
func (s *loopSock) SendAll(p []byte) (err error) {
	inTask(func(*reactor.Task) { err = s.w.SendAll(p) })
	return
}
func (s *loopSock) SendTo(p []byte, a Addr) (n int, err error) {
	inTask(func(*reactor.Task) { n, err = s.w.SendTo(p, a) })
	return
}
func (s *loopSock) Recv(b, f int) (p []byte, err error) {
	inTask(func(*reactor.Task) { p, err = s.w.Recv(b, f) })
	return
}
func (s *loopSock) RecvFrom(b, f int) (p []byte, a *Addr, err error) {
	inTask(func(*reactor.Task) { p, a, err = s.w.RecvFrom(b, f) })
	return
}
func (s *loopSock) SetOptInt(l, o, v int) (err error) {
	inTask(func(*reactor.Task) { err = s.w.SetOptInt(l, o, v) })
	return
}
func (s *loopSock) SetOptBytes(l, o int, v []byte) (err error) {
	inTask(func(*reactor.Task) { err = s.w.SetOptBytes(l, o, v) })
	return
}
func (s *loopSock) SetCallback(l, o int, f func()) (err error) {
	g := f
	if f != nil {
		g = func() { notices <- f }
	}
	inTask(func(*reactor.Task) { err = s.w.SetCallback(l, o, g) })
	return
}
func (s *loopSock) SetTimeout(t float64, none bool) (err error) {
	inTask(func(*reactor.Task) { err = s.w.SetTimeout(t, none) })
	return
}
func (s *loopSock) SetBlocking(on bool) (err error) {
	inTask(func(*reactor.Task) { err = s.w.SetBlocking(on) })
	return
}
func (s *loopSock) MakeFile(m string, b int) (err error) {
	inTask(func(*reactor.Task) { err = s.w.MakeFile(m, b) })
	return
}
func (s *loopSock) Read(n int, g bool) (p []byte, err error) {
	inTask(func(*reactor.Task) { p, err = s.w.Read(n, g) })
	return
}
func (s *loopSock) ReadInto(p []byte) (n int, err error) {
	inTask(func(*reactor.Task) { n, err = s.w.ReadInto(p) })
	return
}
func (s *loopSock) ReadLine(m int) (p []byte, err error) {
	inTask(func(*reactor.Task) { p, err = s.w.ReadLine(m) })
	return
}
func (s *loopSock) Write(p []byte) (n int, err error) {
	inTask(func(*reactor.Task) { n, err = s.w.Write(p) })
	return
}

type loopPoll struct{ p *poll }

func (l *loopPoll) Register(o Pollable, m int) (err error) {
	inTask(func(*reactor.Task) { err = l.p.Register(o, m) })
	return
}
func (l *loopPoll) Modify(o Pollable, m int) (err error) {
	inTask(func(*reactor.Task) { err = l.p.Modify(o, m) })
	return
}
func (l *loopPoll) Unregister(o Pollable) (err error) {
	inTask(func(*reactor.Task) { err = l.p.Unregister(o) })
	return
}
func (l *loopPoll) Poll(ms int) (e []Event, err error) {
	inTask(func(*reactor.Task) { e, err = l.p.Poll(ms) })
	return
}
func (l *loopPoll) IPoll(ms, flags int) (err error) {
	inTask(func(*reactor.Task) { err = l.p.IPoll(ms, flags) })
	return
}
func (l *loopPoll) Next() (e Event, ok bool) {
	inTask(func(*reactor.Task) { e, ok = l.p.Next() })
	return
}
