//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// keyAndCert returns a key and a certificate for localhost.
func keyAndCert() (key, cert []byte) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	if cert, err = x509.CreateCertificate(rand.Reader, c, c, k.Public(), k); err != nil {
		panic(err)
	}
	key, err = x509.MarshalPKCS8PrivateKey(k)
	must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), cert
}

// connected returns two connected sockets of a protocol.
func (l *lab) connected(proto int) (a, b *socket.Socket) {
	ln := l.create(socket.AF_INET, socket.SOCK_STREAM, proto)
	defer ln.Close()
	must(ln.Bind(socket.Tuple("127.0.0.1", 0)))
	must(ln.Listen(socket.DefaultBacklog))
	at, err := ln.LocalAddr()
	must(err)
	a = l.create(socket.AF_INET, socket.SOCK_STREAM, proto)
	must(a.Connect(at))
	b, _, err = ln.Accept()
	must(err)
	return a, b
}

// Both ends are non-blocking and in one task, so the handshake depends on Polls. A call that Poll
// reports as ready never returns EAGAIN. Plaintext that TLS has buffered is reported as readable,
// although the descriptor is not. Every byte arrives.
func TestSSLPoll(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	both(t, func(l *lab) {
		key, cert := keyAndCert()
		a, b := l.connected(socket.IPPROTO_SEC)
		a.SetBlocking(false)
		b.SetBlocking(false)
		if _, err := a.Send([]byte("in the clear")); !errors.Is(err, syscall.EPROTO) {
			l.Errorf("IPPROTO_SEC sends in the clear: %v", err)
		}
		client, err := socket.WrapSSL(a, false, socket.SSLOptions{DeferHandshake: true, CertReqs: socket.CERT_REQUIRED, CAData: cert, ServerHostname: "localhost"})
		if err != nil {
			l.Error(err)
			return
		}
		server, err := socket.WrapSSL(b, true, socket.SSLOptions{DeferHandshake: true, Key: key, Cert: cert})
		if err != nil {
			l.Error(err)
			return
		}
		defer client.Close()
		defer server.Close()
		if n, err := server.Read(make([]byte, 10)); n != 0 || !errors.Is(err, syscall.EAGAIN) {
			l.Errorf("read before the handshake: %d, %v", n, err)
		}
		sent := make([]byte, 3<<20)
		for i := range sent {
			sent[i] = byte(i ^ i>>8 ^ i>>16)
		}
		left, got := sent, []byte{}
		poll := l.poll()
		poll.Register(client, sel.POLLOUT)
		poll.Register(server, sel.POLLIN)
		buffered, began := 0, false
		for len(got) < len(sent) {
			events, err := poll.Poll(guard)
			if err != nil || len(events) == 0 {
				l.Errorf("%d of %d bytes, then %v, %v", len(got), len(sent), events, err)
				return
			}
			for _, ev := range events {
				switch {
				case ev.Obj == client && ev.Events == sel.POLLOUT:
					n, err := client.Write(left)
					if n == 0 && began {
						l.Errorf("POLLOUT, and a write is %v", err)
						return
					}
					began = true // the first call begins the handshake
					if left = left[n:]; len(left) == 0 {
						poll.Modify(client, 0)
					}
				case ev.Obj == server && ev.Events == sel.POLLIN:
					room := make([]byte, 1000) // less than a record
					n, err := server.Read(room)
					if n == 0 {
						l.Errorf("POLLIN, and a read is %v", err)
						return
					}
					got = append(got, room[:n]...)
					if raw, _, _, _ := l.selects(list{sel.FD(server.Fileno())}, nil, nil, 0); len(raw) == 0 {
						buffered++
					}
				default:
					l.Errorf("%v", ev)
					return
				}
			}
		}
		if !bytes.Equal(got, sent) {
			l.Error("it differs")
		}
		if buffered == 0 {
			l.Error("nothing was ever buffered: this has tested nothing")
		}
		if suite, version := client.Cipher(); suite == "" || version != "TLSv1.3" || !bytes.Equal(client.GetPeerCert(), cert) {
			l.Errorf("%s %s", suite, version)
		}
		client.Close()
		events, err := poll.Poll(guard)
		for passed := l.lap(); err == nil && len(events) < 2 && passed() < guard*time.Millisecond; events, err = poll.Poll(guard) {
			l.rest() // the end is on its way
		}
		if err != nil || len(events) != 2 { // one is NVAL, and the other one is at its end
			l.Errorf("after Close: %v, %v", events, err)
		}
		if data, err := server.ReadAll(); len(data) > 0 || err != nil {
			l.Errorf("at the end: %d bytes, %v", len(data), err)
		}
	})
}

// Blocking calls work as MicroPython's documentation says: a line, exactly n bytes, the rest. The
// peer is crypto/tls on a net.Conn.
func TestSSLStream(t *testing.T) {
	both(t, func(l *lab) {
		key, cert := keyAndCert()
		pool := x509.NewCertPool()
		leaf, err := x509.ParseCertificate(cert)
		must(err)
		pool.AddCert(leaf)
		a, b := l.connected(0)
		join := l.elsewhere(func() {
			s, err := socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert})
			if err != nil {
				l.Error(err)
				return
			}
			defer s.Close()
			if line, err := s.ReadLine(); string(line) != "a line\n" || err != nil {
				l.Errorf("ReadLine %q, %v", line, err)
			}
			if part, err := s.ReadSize(4); string(part) != "part" || err != nil {
				l.Errorf("ReadSize %q, %v", part, err)
			}
			if rest, err := s.ReadAll(); string(rest) != "ial rest" || err != nil {
				l.Errorf("ReadAll %q, %v", rest, err)
			}
			if _, err := s.Write([]byte("thanks")); err != nil {
				l.Error(err)
			}
		})
		conn := l.plain(a)
		defer conn.Close()
		c := tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: "localhost"})
		for _, text := range []string{"a li", "ne\npar", "tial rest"} {
			_, err := io.WriteString(c, text)
			must(err)
		}
		must(c.CloseWrite())
		back, err := io.ReadAll(c)
		if string(back) != "thanks" || err != nil {
			l.Errorf("%q, %v", back, err)
		}
		join()
	})
}

// plain returns the connection of the socket as a net.Conn: one of package net in a goroutine, and
// one of netconn in a task.
func (l *lab) plain(s *socket.Socket) net.Conn {
	if l.isSimulated() {
		return undated{netconn.New(s)}
	}
	if l.r != nil {
		return netconn.New(s)
	}
	fd, err := s.Detach()
	must(err)
	f := os.NewFile(uintptr(fd), "tcp")
	defer f.Close()
	conn, err := net.FileConn(f)
	must(err)
	return conn
}

// undated ignores deadlines. For close_notify, crypto/tls sets a deadline of 5 s by the clock of
// the machine. A simulated host has another date.
type undated struct{ net.Conn }

func (undated) SetWriteDeadline(time.Time) error { return nil }

// A peer without TLS, a wrong certificate, a timeout and impossible options are errors.
func TestSSLErrors(t *testing.T) {
	both(t, func(l *lab) {
		key, cert := keyAndCert()
		a, b := l.connected(socket.IPPROTO_SEC)
		defer a.Close()
		defer b.Close()
		for want, o := range map[string]socket.SSLOptions{
			"must have key and cert":  {},
			"given both":              {Key: key},
			"verify_mode 3":           {Key: key, Cert: cert, CertReqs: 3},
			"invalid key: found a c":  {Key: cert, Cert: cert},
			"invalid cert: found PEM": {Key: key, Cert: key},
			"invalid cert: found 1 b": {Key: key, Cert: cert, CAData: []byte("x")},
		} {
			if _, err := socket.WrapSSL(b, true, o); !errors.Is(err, socket.ErrValue) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
				l.Errorf("%v, want %s", err, want)
			}
		}
		if _, err := socket.WrapSSL(a, false, socket.SSLOptions{CertReqs: socket.CERT_REQUIRED}); !errors.Is(err, socket.ErrValue) {
			l.Errorf("no server_hostname: %v", err)
		}
		b.SetTimeoutSeconds(0.01)
		if _, err := socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert}); !errors.Is(err, syscall.ETIMEDOUT) {
			l.Errorf("a silent peer: %v", err)
		}
		if b.Fileno() >= 0 {
			l.Error("the socket is open after a handshake that failed")
		}
	})
}
