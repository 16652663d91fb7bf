package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8000", "address to listen on")
	to := flag.String("to", "127.0.0.1:7777", "address of the server")
	send := flag.Int("send", 0, "version of the PROXY header for the server: 1 or 2, 0 for none")
	trust := flag.String("trust", "", "prefixes of the proxies whose PROXY headers are expected, such as 10.0.0.0/8,::1/128")
	flag.Parse()
	p, opts, err := configure(*to, *send, *trust)
	if err != nil {
		log.Fatal(err)
	}
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	l, err := r.Listen("tcp", *listen, p.accept, opts...)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("proxy at %v for %s", l.Addr(), *to)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = r.Shutdown(limit) // Run returns the same error
	}()
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// configure returns the proxy and the options of its listener.
func configure(to string, send int, trust string) (*proxy, []reactor.ListenOption, error) {
	if send < 0 || send > 2 {
		return nil, nil, fmt.Errorf("proxy: -send %d: must be 0, 1 or 2", send)
	}
	opts := []reactor.ListenOption{limits}
	if trust == "" {
		return &proxy{to, send}, opts, nil
	}
	var prefixes []netip.Prefix
	var errs []error
	for _, text := range strings.Split(trust, ",") {
		p, err := netip.ParsePrefix(text)
		prefixes, errs = append(prefixes, p), append(errs, err)
	}
	return &proxy{to, send}, append(opts, reactor.WithProxy(prefixes...)), errors.Join(errs...)
}
