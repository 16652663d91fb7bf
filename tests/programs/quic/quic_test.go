package quic

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

func run(n kit.Net, hello, bulk bool) error {
	sc, cc := kit.TLS("h3")
	pc, err := n.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	mux.HandleFunc("/bulk", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10<<20)) })
	mux.HandleFunc("/up", func(w http.ResponseWriter, q *http.Request) { c, _ := io.Copy(io.Discard, q.Body); fmt.Fprint(w, c) })
	s := &http3.Server{Handler: mux, TLSConfig: sc}
	done := make(chan error, 1)
	go func() { done <- s.Serve(pc) }()
	cpc, err := n.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	tr := &quic.Transport{Conn: cpc}
	ht := &http3.Transport{TLSClientConfig: cc, Dial: func(ctx context.Context, addr string, tc *tls.Config, qc *quic.Config) (*quic.Conn, error) {
		a, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			return nil, err
		}
		return tr.DialEarly(ctx, a, tc, qc)
	}}
	c := http.Client{Transport: ht, Timeout: 2 * time.Minute}
	base := "https://" + pc.LocalAddr().String()
	get := func(path, want string, size int) error {
		a, err := c.Get(base + path)
		if err != nil {
			return err
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil || len(b) != size || want != "" && string(b) != want {
			return fmt.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
		return nil
	}
	if hello {
		for i := 0; i < 500; i++ {
			if err := get("/hello", "hello", 5); err != nil {
				return err
			}
		}
	}
	if bulk {
		for i := 0; i < 10; i++ {
			if err := get("/bulk", "", 10<<20); err != nil {
				return err
			}
		}
	}
	ht.Close()
	if err := tr.Close(); err != nil {
		return fmt.Errorf("transport close: %w", err)
	}
	cpc.Close()
	s.Close()
	pc.Close()
	<-done
	return nil
}

// HTTP/3 gives the same results as over package net for 500 small answers.
func TestHTTP3Hellos(t *testing.T) {
	kit.Same(t, func(n kit.Net) error { return run(n, true, false) })
}

// HTTP/3 gives the same results as over package net for 100 MB.
func TestHTTP3Bulk(t *testing.T) {
	kit.Same(t, func(n kit.Net) error { return run(n, false, true) })
}
