package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

const (
	headTime  = 10 * time.Second // for the header of a request, and for the TLS handshake
	quietTime = 2 * time.Minute  // between two requests on a connection
	drainTime = 10 * time.Second // for open requests when the server stops
)

// A server contains the settings of an http.Server.
type server struct {
	handler http.Handler
	tls     *tls.Config // nil means no TLS
	ours    bool        // package netconn provides TLS, and not crypto/tls
}

// serve serves until stop ends. Then it accepts no more connections, and completes the open
// requests.
func (s *server) serve(stop context.Context, l net.Listener) error {
	h := &http.Server{Handler: s.handler, TLSConfig: s.tls, ReadHeaderTimeout: headTime, IdleTimeout: quietTime}
	if s.ours {
		l = overOurTLS(h, l)
	}
	ended := make(chan error, 1)
	go func() {
		if s.tls != nil && !s.ours {
			ended <- h.ServeTLS(l, "", "")
		} else {
			ended <- h.Serve(l)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-stop.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := h.Shutdown(limit)
	<-ended // http.ErrServerClosed
	return err
}

// site serves the files of a directory, and /sum, which answers with the SHA-256 of the request's
// body. Without TLS, net/http sends files with sendfile.
func site(dir string) http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /", http.FileServer(http.Dir(dir)))
	m.HandleFunc("POST /sum", func(w http.ResponseWriter, q *http.Request) {
		sum := sha256.New()
		if _, err := io.Copy(sum, q.Body); err != nil {
			panic(http.ErrAbortHandler) // the connection is broken
		}
		fmt.Fprintln(w, hex.EncodeToString(sum.Sum(nil)))
	})
	return m
}

// proxy forwards requests to the target on connections of the transport.
func proxy(target *url.URL, transport *http.Transport) http.Handler {
	return &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
	}}
}
