//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
)

// certificate returns a certificate for localhost.
var certificate = sync.OnceValue(func() tls.Certificate { return certificateFor() })

func certificateFor(names ...string) tls.Certificate {
	c, err := selfsigned.New(names...)
	if err != nil {
		panic(err)
	}
	return c
}

func serverConfig() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{certificate()}} }

func clientConfig() *tls.Config {
	return &tls.Config{RootCAs: selfsigned.Pool(certificate()), ServerName: "localhost"}
}

// site serves /hello, /sum with the SHA-256 of the request's body, /noise with megabytes, and /ws,
// which hijacks the connection.
func site() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/hello", func(w http.ResponseWriter, q *http.Request) { fmt.Fprintf(w, "hello by %s", q.Proto) })
	m.HandleFunc("/sum", func(w http.ResponseWriter, q *http.Request) {
		sum := sha256.New()
		if _, err := io.Copy(sum, q.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, hex.EncodeToString(sum.Sum(nil)))
	})
	m.HandleFunc("/noise", func(w http.ResponseWriter, q *http.Request) {
		http.ServeContent(w, q, "noise", time.Time{}, bytes.NewReader(megabytes()))
	})
	m.HandleFunc("/ws", takeOver)
	return m
}

// megabytes is a long body: 100 MB with -long.
var megabytes = sync.OnceValue(func() []byte { return noise(longtest.Count(1, 4, 100) << 20) })

// takeOver does what a WebSocket library does: it hijacks the connection, answers the upgrade, and
// uses its own protocol.
func takeOver(w http.ResponseWriter, q *http.Request) {
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer c.Close()
	fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	rw.Flush()
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprint(rw, "you said ", line)
		rw.Flush()
	}
}

// serveSite serves site with net/http on a listener of netconn. With TLS it uses crypto/tls, and
// HTTP/2 for clients that support it.
func serveSite(t *testing.T, network string, secure bool) net.Addr {
	t.Helper()
	l := listen(t, network)
	s := &http.Server{Handler: site(), TLSConfig: serverConfig()}
	ended := make(chan error, 1)
	go func() {
		if secure {
			ended <- s.ServeTLS(l, "", "")
		} else {
			ended <- s.Serve(l)
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), long)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return l.Addr()
}

// Servers and clients of net/http work on connections of netconn. The test makes many requests at
// once over HTTP/1.1 and HTTP/2, with megabytes in both directions.
func TestHTTP(t *testing.T) {
	if !longtest.Default(t, "a server and clients of net/http") {
		return
	}
	for _, c := range []struct {
		name, scheme, proto string
		http2               bool
	}{{"HTTP/1.1", "http", "HTTP/1.1", false}, {"HTTP/1.1 over TLS", "https", "HTTP/1.1", false}, {"HTTP/2 over TLS", "https", "HTTP/2.0", true}} {
		t.Run(c.name, func(t *testing.T) {
			at := c.scheme + "://" + serveSite(t, "tcp", c.scheme == "https").String()
			tr := &http.Transport{DialContext: netconn.DialContext, TLSClientConfig: clientConfig(), ForceAttemptHTTP2: c.http2}
			client := &http.Client{Transport: tr}
			defer tr.CloseIdleConnections()
			var all sync.WaitGroup
			for range longtest.Count(20, 20, 50) {
				all.Go(func() {
					for range 10 {
						if err := get(client, at+"/hello", "hello by "+c.proto); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			sum := sha256.Sum256(megabytes())
			a, err := client.Post(at+"/sum", "", bytes.NewReader(megabytes()))
			if err != nil {
				t.Fatal(err)
			}
			told, _ := io.ReadAll(a.Body)
			a.Body.Close()
			if string(told) != hex.EncodeToString(sum[:]) {
				t.Errorf("up: %s", told)
			}
			if a, err = client.Get(at + "/noise"); err != nil {
				t.Fatal(err)
			}
			down := sha256.New()
			if _, err := io.Copy(down, a.Body); err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if !bytes.Equal(down.Sum(nil), sum[:]) {
				t.Error("down: it differs")
			}
		})
	}
}

// A handler of net/http can hijack its connection and use another protocol on it. The deadlines of
// the hijacked connection work.
func TestHijack(t *testing.T) {
	c, err := netconn.Dial("tcp", serveSite(t, "tcp", false).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(long))
	fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(c)
	a, err := http.ReadResponse(in, nil)
	if err != nil || a.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(a, err)
	}
	for i := range 100 {
		fmt.Fprintln(c, i)
		if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintf("you said %d\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
	}
}
