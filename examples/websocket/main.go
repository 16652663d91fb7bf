package main

import (
	"context"
	_ "embed"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

//go:embed page.html
var page []byte

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	flag.Parse()
	l, err := netconn.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s/", l.Addr())
	stop, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := serve(stop, l); err != nil {
		log.Fatal(err)
	}
}

// drainTime is how long the guests have to close.
const drainTime = 5 * time.Second

// serve runs a room until stop.
func serve(stop context.Context, l net.Listener) error {
	r := newRoom()
	m := http.NewServeMux()
	m.Handle("GET /chat", r)
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	s := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-stop.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := s.Shutdown(limit) // does not include hijacked connections
	r.close()
	<-ended // http.ErrServerClosed
	return err
}
