//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// run runs a reactor with a listener until the test ends. It returns the listener's address.
func run(t *testing.T, accept func(*reactor.Conn) reactor.Handler, opts ...reactor.ListenOption) string {
	t.Helper()
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", accept, opts...)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), longtest.Guard)
		defer cancel()
		_ = r.Shutdown(ctx)
		<-ran
	})
	return l.Addr().String()
}

// start runs a proxy with these flags.
func start(t *testing.T, to string, send int, trust string) string {
	t.Helper()
	p, opts, err := configure(to, send, trust)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, p.accept, opts...)
}

// A witness reports the addresses of its client, and echoes.
type witness struct{}

func (witness) Opened(c *reactor.Conn) {
	h, proxy := c.ProxyHeader()
	version := 0
	if h != nil {
		version = h.Version
	}
	_ = c.Send(fmt.Appendf(nil, "%v to %v by %v, version %d\n", c.RemoteAddr(), c.LocalAddr(), proxy != nil, version))
}
func (witness) Data(c *reactor.Conn, p []byte) { _ = c.Send(p) }
func (witness) Closed(*reactor.Conn, error)    {}

func accept(*reactor.Conn) reactor.Handler { return witness{} }

func trusting() []reactor.ListenOption {
	_, opts, err := configure("", 0, "127.0.0.0/8")
	if err != nil {
		panic(err)
	}
	return opts
}

func dial(t *testing.T, at string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(longtest.Guard))
	return c
}

// exchange sends bytes and half-closes. It returns the first line of the answer, and whether the
// rest of the answer equals the sent bytes.
func exchange(t *testing.T, c net.Conn, size int) (line string, whole bool) {
	t.Helper()
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(i >> 3)
	}
	go func() {
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	first, rest, _ := bytes.Cut(got, []byte("\n"))
	return string(first), bytes.Equal(rest, sent)
}

// With two proxies in a row, the server learns the client's address from headers of each version.
// Every byte passes in both directions, and so do half-closes.
func TestTheServerLearnsWhoTheClientIs(t *testing.T) {
	server := run(t, accept, trusting()...)
	for inner := 1; inner <= 2; inner++ {
		for outer := 1; outer <= 2; outer++ {
			at := start(t, start(t, server, inner, "127.0.0.0/8"), outer, "")
			c := dial(t, at)
			want := fmt.Sprintf("%v to %v by true, version %d", c.LocalAddr(), at, inner)
			if line, whole := exchange(t, c, longtest.Count(100_000, 1_000_000, 5_000_000)); line != want || !whole {
				t.Errorf("%q, whole %v; want %q", line, whole, want)
			}
		}
	}
}

// Without headers the proxy is transparent, and the server sees the proxy's address.
func TestWithoutHeaders(t *testing.T) {
	at := start(t, run(t, accept), 0, "")
	line, whole := exchange(t, dial(t, at), 1000)
	if !strings.HasSuffix(line, "by false, version 0") || !whole {
		t.Errorf("%q, whole %v", line, whole)
	}
}

// If the server cannot be reached, or the client is not trusted, the client gets a reset.
func TestResetsArePassedOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for name, at := range map[string]string{
		"unreachable": start(t, l.Addr().String(), 0, ""),
		"untrusted":   start(t, run(t, accept), 0, "192.0.2.0/24"),
	} {
		c, err := net.Dial("tcp", at)
		if err != nil {
			continue // the reset came before
		}
		if _, err := io.ReadAll(c); err == nil {
			t.Errorf("%s: a clean end", name)
		}
		c.Close()
	}
}

// Impossible flags are errors.
func TestFlags(t *testing.T) {
	for _, c := range []struct {
		send        int
		trust, want string
	}{{3, "", "must be 0, 1 or 2"}, {-1, "", "must be 0, 1 or 2"}, {0, "10.0.0.1", "no '/'"}, {1, "10.0.0.0/8,", "no '/'"}} {
		if _, _, err := configure("", c.send, c.trust); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

const haproxyConfig = `
global
	maxconn 100
defaults
	mode tcp
	timeout connect 1m
	timeout client 1m
	timeout server 1m
`

// HAProxy sends headers of both versions, with a checksum and a unique ID, for clients of IPv4 and
// IPv6. Its health checks (LOCAL) are accepted too.
func TestBehindHAProxy(t *testing.T) {
	if !longtest.Only(t, "HAProxy in front") {
		return
	}
	program, err := exec.LookPath("haproxy")
	if err != nil {
		if program = "/usr/sbin/haproxy"; errors.Is(exec.Command(program, "-v").Run(), os.ErrNotExist) {
			t.Skip("no haproxy here")
		}
	}
	server := run(t, accept, trusting()...)
	fronts := []struct {
		listen, options string
		version         int
	}{
		{"127.0.0.1", "send-proxy", 1},
		{"127.0.0.1", "send-proxy-v2 check inter 20ms", 2},
		{"127.0.0.1", "send-proxy-v2 proxy-v2-options crc32c,unique-id", 2},
		{"::1", "send-proxy", 1},
		{"::1", "send-proxy-v2 proxy-v2-options crc32c", 2},
	}
	config := haproxyConfig
	var at []string
	for i, f := range fronts {
		l, err := net.Listen("tcp", net.JoinHostPort(f.listen, "0"))
		if err != nil {
			t.Logf("no %s here: %v", f.listen, err)
			at = append(at, "")
			continue
		}
		l.Close()
		at = append(at, l.Addr().String())
		config += fmt.Sprintf("listen l%d\n\tbind %s\n\tunique-id-format %%{+X}o\\ %%ci:%%cp\n\tserver s %s %s\n", i, at[i], server, f.options)
	}
	path := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for i, f := range fronts {
		if at[i] == "" {
			continue
		}
		var c net.Conn
		for until := time.Now().Add(longtest.Guard); ; time.Sleep(10 * time.Millisecond) {
			if c, err = net.Dial("tcp", at[i]); err == nil {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("%v: %s", err, &stderr)
			}
		}
		_ = c.SetDeadline(time.Now().Add(longtest.Guard))
		want := fmt.Sprintf("%v to %v by true, version %d", c.LocalAddr(), at[i], f.version)
		if line, whole := exchange(t, c, 500_000); line != want || !whole {
			t.Errorf("%s: %q, whole %v; want %q", f.options, line, whole, want)
		}
		c.Close()
	}
}
