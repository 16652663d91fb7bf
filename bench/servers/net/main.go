// The echo server of the standard library. Each connection has one goroutine, which blocks in Read
// and Write.
package main

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

func main() {
	o := serve.Parse()
	if o.Network == "udp" {
		packets(o)
	}
	l, err := net.Listen(o.Network, o.Address)
	serve.Try(err)
	serve.Listening(l.Addr().String())
	switch o.Protocol {
	case "http":
		serve.Fail(o.HTTP(l))
	case serve.WebSocket, serve.Deflate, serve.Room:
		serve.Fail(messages(o, l))
	case "tls":
		cfg := serve.TLS()
		o.EchoTLS(l, func(c net.Conn) serve.Secured { return tls.Server(c, cfg) })
	}
	handle := func(c net.Conn) { echo(c, o.Buffer) }
	switch {
	case o.Panic:
		handle = func(c net.Conn) { explosive(c, o.Buffer) }
	case o.Timers > 0:
		handle = newTimers(o).echo
	}
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(100 * time.Millisecond) // no descriptor or no memory
			continue
		}
		go handle(c)
	}
}

func echo(c net.Conn, size int) {
	defer c.Close()
	buf := make([]byte, size)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// explosive panics if a message asks for it. The program recovers.
func explosive(c net.Conn, size int) {
	defer c.Close()
	defer func() { recover() }()
	buf := make([]byte, size)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if buf[0] == serve.Bang {
			panic("as asked")
		}
		c.Write(buf[:n])
	}
}

// timers has timers of the Go runtime. Each message moves one of them.
type timers struct {
	serve.Options
	mu  sync.Mutex
	all []*time.Timer
	at  int
}

func newTimers(o serve.Options) *timers {
	t := &timers{Options: o}
	for range o.Timers {
		t.all = append(t.all, time.AfterFunc(time.Hour, func() {}))
	}
	return t
}

func (t *timers) move() {
	t.mu.Lock()
	t.all[t.at].Reset(time.Hour)
	if t.at++; t.at == len(t.all) {
		t.at = 0
	}
	t.mu.Unlock()
}

func (t *timers) echo(c net.Conn) {
	defer c.Close()
	buf := make([]byte, t.Buffer)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		t.move()
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func packets(o serve.Options) {
	at, err := net.ResolveUDPAddr("udp", o.Address)
	serve.Try(err)
	c, err := net.ListenUDP("udp", at)
	serve.Try(err)
	serve.Listening(c.LocalAddr().String())
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		serve.Try(err)
		c.WriteToUDPAddrPort(buf[:n], from)
	}
}
