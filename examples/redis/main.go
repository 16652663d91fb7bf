package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

func main() {
	port := flag.Int("port", 6380, "port on loopback")
	path := flag.String("unixsocket", "", "path of a Unix socket to listen on too")
	loops := flag.Int("loops", 1, "number of loops, 0 is one for each processor")
	flag.Parse()
	g, err := reactor.NewGroup(*loops)
	if err != nil {
		log.Fatal(err)
	}
	s := newServer(g)
	l, err := s.listen("tcp", fmt.Sprint("127.0.0.1:", *port))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("redis server at %v, %d loops", l.Addr(), len(g.Loops()))
	if *path != "" {
		if _, err := s.listen("unix", *path); err != nil {
			log.Fatal(err)
		}
	}
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
