package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	dir := flag.String("dir", ".", "`directory` of the files to serve")
	to := flag.String("to", "", "`URL` of a server to be a proxy of, instead")
	secure := flag.String("tls", "", "`whose` TLS to speak: crypto, that of crypto/tls, or netconn")
	cert := flag.String("cert", "", "PEM `file` of the certificates; without it one of our own")
	key := flag.String("key", "", "PEM `file` of the certificate's key")
	flag.Parse()
	s, err := newServer(*dir, *to, *secure, *cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	l, err := netconn.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", l.Addr())
	stop, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := s.serve(stop, l); err != nil {
		log.Fatal(err)
	}
}

func newServer(dir, to, secure, cert, key string) (*server, error) {
	s := &server{handler: site(dir)}
	if to != "" {
		target, err := url.Parse(to)
		if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
			return nil, fmt.Errorf("-to %q: must be a URL such as http://127.0.0.1:8080", to)
		}
		s.handler = proxy(target, &http.Transport{DialContext: netconn.DialContext, ForceAttemptHTTP2: true})
	}
	switch {
	case (cert == "") != (key == ""):
		return nil, fmt.Errorf("-cert and -key: must be given both")
	case secure == "" && cert != "":
		return nil, fmt.Errorf("-cert and -key: are for -tls crypto or -tls netconn")
	case secure == "":
		return s, nil
	case secure != "crypto" && secure != "netconn":
		return nil, fmt.Errorf("-tls %q: must be crypto or netconn", secure)
	}
	s.ours = secure == "netconn"
	c, err := certificate(cert, key)
	s.tls = &tls.Config{Certificates: []tls.Certificate{c}}
	return s, err
}

func certificate(cert, key string) (tls.Certificate, error) {
	if cert == "" {
		return selfsigned.New()
	}
	return tls.LoadX509KeyPair(cert, key)
}
