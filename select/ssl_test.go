//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// keyAndCert is a pair of key and certificate, for localhost, in DER and PEM.
func keyAndCert(t *testing.T) (key, cert []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	if cert, err = x509.CreateCertificate(rand.Reader, c, c, k.Public(), k); err != nil {
		t.Fatal(err)
	}
	if key, err = x509.MarshalPKCS8PrivateKey(k); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), cert
}

// A place makes sockets and Polls, and runs a test where their calls may wait.
type place struct {
	socket func(af, typ, proto int) (*socket.Socket, error)
	poll   func() *sel.Poll
}

// inBoth runs the test with parked calls and in a task of a loop.
func inBoth(t *testing.T, f func(t *testing.T, p place)) {
	t.Run("parked", func(t *testing.T) { f(t, place{socket.New, sel.New}) })
	t.Run("task", func(t *testing.T) {
		r, err := reactor.New()
		if err != nil {
			t.Fatal(err)
		}
		r.Go(func(*reactor.Task) {
			defer r.Close()
			f(t, place{func(af, typ, proto int) (*socket.Socket, error) { return socket.NewOn(r, af, typ, proto) },
				func() *sel.Poll { return sel.NewOn(r) }})
		})
		if err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// tcp is two connected sockets of IPPROTO_SEC.
func (p place) tcp(t *testing.T) (a, b *socket.Socket) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	l, err := p.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SEC)
	must(err)
	defer l.Close()
	must(l.Bind(socket.Tuple("127.0.0.1", 0)))
	must(l.Listen())
	at, err := l.LocalAddr()
	must(err)
	a, err = p.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SEC)
	must(err)
	must(a.Connect(at))
	b, _, err = l.Accept()
	must(err)
	return a, b
}

// Both ends in one task, non-blocking: Polls alone drive the handshake; nothing that Poll tells is ever EAGAIN; what is
// buffered in the TLS is readable though its descriptor is not; every byte arrives.
func TestSSLPoll(t *testing.T) {
	inBoth(t, func(t *testing.T, p place) {
		key, cert := keyAndCert(t)
		a, b := p.tcp(t)
		a.SetBlocking(false)
		b.SetBlocking(false)
		if _, err := a.Send([]byte("in the clear")); !errors.Is(err, syscall.EPROTO) {
			t.Errorf("IPPROTO_SEC sends in the clear: %v", err)
		}
		client, err := socket.WrapSSL(a, false, socket.SSLOptions{DeferHandshake: true, CertReqs: socket.CERT_REQUIRED, CAData: cert, ServerHostname: "localhost"})
		if err != nil {
			t.Error(err)
			return
		}
		server, err := socket.WrapSSL(b, true, socket.SSLOptions{DeferHandshake: true, Key: key, Cert: cert})
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		defer server.Close()
		if n, err := server.Read(make([]byte, 10)); n != 0 || !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("read before the handshake: %d, %v", n, err)
		}
		sent := make([]byte, 3<<20)
		rand.Read(sent)
		left, got := sent, []byte{}
		poll := p.poll()
		defer poll.Close()
		poll.Register(client, sel.POLLOUT)
		poll.Register(server, sel.POLLIN)
		buffered := 0
		for len(got) < len(sent) {
			events, err := poll.Poll(10000)
			if err != nil || len(events) == 0 {
				t.Errorf("%d of %d bytes, then %v, %v", len(got), len(sent), events, err)
				return
			}
			for _, ev := range events {
				switch {
				case ev.Obj == client && ev.Events == sel.POLLOUT:
					n, err := client.Write(left)
					if n == 0 {
						t.Errorf("POLLOUT, and a write is %v", err)
						return
					}
					if left = left[n:]; len(left) == 0 {
						poll.Modify(client, 0)
					}
				case ev.Obj == server && ev.Events == sel.POLLIN:
					room := make([]byte, 1000) // less than a record
					n, err := server.Read(room)
					if n == 0 {
						t.Errorf("POLLIN, and a read is %v", err)
						return
					}
					got = append(got, room[:n]...)
					if raw, _, _, _ := sel.Select([]sel.Pollable{sel.FD(server.Fileno())}, nil, nil, 0); len(raw) == 0 {
						buffered++
					}
				default:
					t.Errorf("%v", ev)
					return
				}
			}
		}
		if !bytes.Equal(got, sent) {
			t.Error("it differs")
		}
		if buffered == 0 {
			t.Error("nothing was ever buffered: this has tested nothing")
		}
		if suite, version := client.Cipher(); suite == "" || version != "TLS 1.3" || !bytes.Equal(client.GetPeerCert(), cert) {
			t.Errorf("%s %s", suite, version)
		}
		client.Close()
		if events, err := poll.Poll(10000); err != nil || len(events) != 2 { // one NVAL, one at its end
			t.Errorf("after Close: %v, %v", events, err)
		}
		if data, err := server.ReadAll(); len(data) > 0 || err != nil {
			t.Errorf("at the end: %d bytes, %v", len(data), err)
		}
	})
}

// Blocking calls, as MicroPython's documentation has them, against crypto/tls: a line, exactly n bytes, the rest.
func TestSSLStream(t *testing.T) {
	key, cert := keyAndCert(t)
	pool := x509.NewCertPool()
	leaf, _ := x509.ParseCertificate(cert)
	pool.AddCert(leaf)
	a, b := place{socket: socket.New}.tcp(t)
	done := make(chan error, 1)
	go func() {
		s, err := socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert})
		if err != nil {
			done <- err
			return
		}
		defer s.Close()
		line, err := s.ReadLine()
		if string(line) != "a line\n" || err != nil {
			err = fmt.Errorf("ReadLine %q, %v", line, err)
		}
		part, e := s.ReadSize(4)
		if string(part) != "part" || e != nil {
			err = errors.Join(err, fmt.Errorf("ReadSize %q, %v", part, e))
		}
		rest, e := s.ReadAll()
		if string(rest) != "ial rest" || e != nil {
			err = errors.Join(err, fmt.Errorf("ReadAll %q, %v", rest, e))
		}
		_, e = s.Write([]byte("thanks"))
		done <- errors.Join(err, e)
	}()
	fd, err := a.Detach()
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "tcp")
	conn, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	for _, text := range []string{"a li", "ne\npar", "tial rest"} {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	c.CloseWrite()
	back, err := io.ReadAll(c)
	if string(back) != "thanks" || err != nil {
		t.Errorf("%q, %v", back, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What is no TLS, the wrong certificate, a timeout, and options that cannot be.
func TestSSLErrors(t *testing.T) {
	inBoth(t, func(t *testing.T, p place) {
		key, cert := keyAndCert(t)
		_, other := keyAndCert(t)
		a, b := p.tcp(t)
		defer a.Close()
		defer b.Close()
		for want, o := range map[string]socket.SSLOptions{
			"must have key and cert": {},
			"given both":             {Key: key},
			"cert_reqs 3":            {CertReqs: 3},
			"belong together":        {Key: key, Cert: other},
			"cadata":                 {Key: key, Cert: cert, CAData: []byte("x")},
		} {
			if _, err := socket.WrapSSL(b, true, o); !errors.Is(err, socket.ErrValue) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if _, err := socket.WrapSSL(a, false, socket.SSLOptions{CertReqs: socket.CERT_REQUIRED}); !errors.Is(err, socket.ErrValue) {
			t.Errorf("no server_hostname: %v", err)
		}
		b.SetTimeoutSeconds(0.01)
		if _, err := socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert}); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("a silent peer: %v", err)
		}
		if b.Fileno() >= 0 {
			t.Error("the socket is open after a handshake that failed")
		}
	})
}
