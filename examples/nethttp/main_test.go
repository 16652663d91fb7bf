//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const long = longtest.Guard

// A place is a running server, and a configuration that trusts its certificate.
type place struct {
	url     string
	trusted *tls.Config
	stop    func() error // stops the server and returns the result of serve
}

func run(t *testing.T, s *server) place {
	t.Helper()
	scheme, trusted := "http", &tls.Config{}
	if s.tls != nil {
		scheme, trusted.RootCAs = "https", selfsigned.Pool(s.tls.Certificates[0])
	}
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, l) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return place{scheme + "://" + l.Addr().String(), trusted, stop}
}

// file runs a server with one file, "noise".
func file(t *testing.T, secure string, size int) (p place, noise []byte) {
	t.Helper()
	noise = make([]byte, size)
	rand.New(rand.NewSource(1)).Read(noise)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "noise"), noise, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(dir, "", secure, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return run(t, s), noise
}

// Many clients at once download and upload a file. The server uses no TLS, crypto/tls or netconn's
// TLS. The clients are those of net/http, over both packages.
func TestGoClients(t *testing.T) {
	if !longtest.Default(t, "the net/http package's clients") {
		return
	}
	for _, c := range []struct {
		name, tls, proto string
		client           func(*tls.Config) *http.Transport
	}{
		{"HTTP/1.1", "", "HTTP/1.1", plain},
		{"HTTP/1.1 over crypto/tls", "crypto", "HTTP/1.1", plain},
		{"HTTP/2 over crypto/tls", "crypto", "HTTP/2.0", http2},
		{"HTTP/1.1 over our TLS", "netconn", "HTTP/1.1", plain},
		{"HTTP/2 over our TLS", "netconn", "HTTP/2.0", http2},
		{"HTTP/2 over crypto/tls, our client", "crypto", "HTTP/2.0", throughOurTLS},
		{"HTTP/2 over our TLS, our client", "netconn", "HTTP/2.0", throughOurTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, noise := file(t, c.tls, 1<<20)
			tr := c.client(p.trusted)
			defer tr.CloseIdleConnections()
			client := &http.Client{Transport: tr, Timeout: long}
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() { exchange(t, client, p.url, c.proto, noise) })
			}
			all.Wait()
		})
	}
}

func plain(cfg *tls.Config) *http.Transport {
	return &http.Transport{DialContext: netconn.DialContext, TLSClientConfig: cfg}
}

func http2(cfg *tls.Config) *http.Transport {
	return &http.Transport{DialContext: netconn.DialContext, TLSClientConfig: cfg, ForceAttemptHTTP2: true}
}

// exchange downloads the file, and uploads it to get its checksum.
func exchange(t *testing.T, client *http.Client, at, proto string, noise []byte) {
	a, err := client.Get(at + "/noise")
	if err != nil {
		t.Error(err)
		return
	}
	got, err := io.ReadAll(a.Body)
	a.Body.Close()
	if err != nil || a.Proto != proto || !bytes.Equal(got, noise) {
		t.Errorf("%s %s: %d bytes of %d, %v", a.Proto, a.Status, len(got), len(noise), err)
	}
	if a, err = client.Post(at+"/sum", "", bytes.NewReader(noise)); err != nil {
		t.Error(err)
		return
	}
	got, err = io.ReadAll(a.Body)
	a.Body.Close()
	if want := fmt.Sprintf("%x\n", sha256.Sum256(noise)); err != nil || string(got) != want {
		t.Errorf("the sum is %q, %v, want %q", got, err, want)
	}
}

// curl downloads and uploads a file, with both kinds of TLS and both versions of HTTP, and makes
// several requests on one connection.
func TestCurl(t *testing.T) {
	if !longtest.Only(t, "curl as the client") {
		return
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	for _, c := range []struct{ tls, flag, proto string }{
		{"", "--http1.1", "1.1"}, {"crypto", "--http1.1", "1.1"}, {"crypto", "--http2", "2"}, {"netconn", "--http1.1", "1.1"}, {"netconn", "--http2", "2"},
	} {
		t.Run(c.tls+" "+c.flag, func(t *testing.T) {
			p, noise := file(t, c.tls, 8<<20)
			name := filepath.Join(t.TempDir(), "noise")
			if err := os.WriteFile(name, noise, 0o600); err != nil {
				t.Fatal(err)
			}
			curl := func(args ...string) string {
				t.Helper()
				cmd := exec.Command("curl", append([]string{"-sS", "-k", "--fail", "--max-time", "600", c.flag}, args...)...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %v: %s", cmd, err, &stderr)
				}
				return string(out)
			}
			sum := sha256.Sum256(noise)
			if got := strings.TrimSpace(curl("--data-binary", "@"+name, p.url+"/sum")); got != hex.EncodeToString(sum[:]) {
				t.Errorf("up: %s", got)
			}
			if sha256.Sum256([]byte(curl(p.url+"/noise"))) != sum {
				t.Error("down: it differs")
			}
			kept := curl("-d", "x", "-w", " %{http_version} %{num_connects}\n", p.url+"/sum", p.url+"/sum")
			if n := strings.Count(kept, " "+c.proto+" 1\n"); n != 1 || strings.Count(kept, " "+c.proto+" 0\n") != 1 {
				t.Errorf("keep-alive: %q", kept)
			}
		})
	}
}

// A request through the proxy has the same answer as without it, and the server behind the proxy
// learns the client's address. If that server does not run, the answer is 502.
func TestProxy(t *testing.T) {
	behind, noise := file(t, "", 1<<20)
	front, err := newServer("", behind.url, "netconn", "", "")
	if err != nil {
		t.Fatal(err)
	}
	p := run(t, front)
	tr := http2(p.trusted)
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: long}
	for range longtest.Count(1, 3, 3) {
		exchange(t, client, p.url, "HTTP/2.0", noise)
	}
	if err := behind.stop(); err != nil {
		t.Error(err)
	}
	a, err := client.Get(p.url + "/noise")
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != http.StatusBadGateway {
		t.Error(a.Status)
	}

	told := make(chan string, 1)
	target, _ := url.Parse(run(t, &server{handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		told <- q.Header.Get("X-Forwarded-For") + " " + q.Header.Get("X-Forwarded-Proto")
	})}).url)
	back := &http.Transport{DialContext: netconn.DialContext}
	defer back.CloseIdleConnections()
	front.handler = proxy(target, back)
	if a, err = client.Get(run(t, front).url); err == nil {
		a.Body.Close()
	}
	if got := <-told; err != nil || got != "127.0.0.1 https" {
		t.Errorf("the server behind is told %q, %v", got, err)
	}
}

// During its shutdown a server completes the answers that it has begun, and accepts no new
// connection.
func TestShutdown(t *testing.T) {
	for _, secure := range []string{"", "crypto", "netconn"} {
		t.Run(secure, func(t *testing.T) {
			s, err := newServer(t.TempDir(), "", secure, "", "")
			if err != nil {
				t.Fatal(err)
			}
			asked, answer := make(chan struct{}), make(chan struct{})
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				close(asked)
				<-answer
				io.WriteString(w, strings.Repeat("late ", 100_000))
			})
			p := run(t, s)
			tr := http2(p.trusted)
			defer tr.CloseIdleConnections()
			got := make(chan int, 1)
			go func() {
				a, err := (&http.Client{Transport: tr, Timeout: long}).Get(p.url)
				if err != nil {
					t.Error(err)
					got <- 0
					return
				}
				defer a.Body.Close()
				text, err := io.ReadAll(a.Body)
				if err != nil {
					t.Error(err)
				}
				got <- len(text)
			}()
			<-asked
			stopped := make(chan error, 1)
			go func() { stopped <- p.stop() }()
			u, _ := url.Parse(p.url)
			for { // until no new connection is accepted
				c, err := net.Dial("tcp", u.Host)
				if err != nil {
					break
				}
				c.Close()
				time.Sleep(time.Millisecond)
			}
			close(answer)
			if n := <-got; n != 500_000 {
				t.Errorf("%d bytes of 500000", n)
			}
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		})
	}
}
