package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

// drainTime is how long the guests have to answer the Close frame.
const drainTime = 5 * time.Second

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	compress := flag.Bool("compress", false, "compress messages for browsers that offer it")
	flag.Parse()
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	var opts []websocket.Option
	if *compress {
		opts = append(opts, websocket.WithCompression(websocket.Compression{}))
	}
	room, err := newRoom(r, opts...)
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", *addr, room.server.Accept)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s/", l.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		limit, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = r.Shutdown(limit) // sends code 1001 to all guests; Run returns the same error
	}()
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
