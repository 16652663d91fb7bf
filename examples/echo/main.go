package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

func main() {
	port := flag.Int("port", 5000, "port to listen on")
	udp := flag.Bool("udp", false, "UDP instead of TCP")
	share := flag.Bool("reuseport", false, "let other programs listen there too")
	trace := flag.Bool("trace", false, "print what comes")
	loops := flag.Int("loops", 1, "number of loops, 0 is one for each processor")
	flag.Parse()
	g, err := reactor.NewGroup(*loops)
	if err != nil {
		log.Fatal(err)
	}
	at, err := listen(g, fmt.Sprint(":", *port), *udp, *share, echo{*trace})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("echo server at %v, %d loops", at, len(g.Loops()))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = g.Shutdown(limit) // Run returns the same error
	}()
	if err := g.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func listen(g *reactor.Group, addr string, udp, share bool, e echo) (net.Addr, error) {
	var opts []reactor.ListenOption
	if share {
		opts = append(opts, reactor.WithReusePort())
	}
	var l *reactor.GroupListener
	var err error
	if udp {
		l, err = g.ListenPacket("udp", addr, func(*reactor.PacketConn) reactor.PacketHandler { return packets{e} }, opts...)
	} else {
		l, err = g.Listen("tcp", addr, func(*reactor.Conn) reactor.Handler { return e }, opts...)
	}
	if err != nil {
		return nil, err
	}
	return l.Addr(), nil
}

// echo has no state for a connection, so one value serves all of them, on all loops.
type echo struct{ trace bool }

func (e echo) Data(c *reactor.Conn, p []byte) {
	e.print(p)
	if c.Send(p) != nil { // the peer is lost; an echo with a gap would be worse than none
		_ = c.Abort()
	}
}

func (e echo) Closed(*reactor.Conn, error) {}

func (e echo) print(p []byte) {
	if e.trace {
		log.Printf("%s", strings.TrimSpace(string(p)))
	}
}

type packets struct{ echo }

func (h packets) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) {
	h.print(p)
	if err := c.SendTo(p, from); err != nil {
		log.Print(err)
	}
}

func (h packets) Closed(*reactor.PacketConn, error) {}
