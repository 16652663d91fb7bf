//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/internal/secure/forge"
	"github.com/ureactor/ureactor/socket"
)

// A far is the other end of an SSLSocket. The test controls every byte on the wire. The output of
// the far is collected in out, and sent a few bytes at a time. Its input is received a few bytes at
// a time.
type far struct {
	s         *socket.Socket
	tls       *secure.Session
	log       strings.Builder
	seal      *forge.Sealer // makes records after the handshake, if it can request new keys
	server    bool
	in, out   []byte
	sent, got int // bytes of plaintext
	updates   int // how many requests for new keys came in a row
	bye       bool
	err       error
}

// All signatures have one size, so that the sizes in two runs do not differ.
var sslKey, sslCert = func() ([]byte, []byte) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: from.AddDate(500, 0, 0)}
	cert, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return der, cert
}()

func newFar(s *socket.Socket, server bool, version uint16) *far {
	f := &far{s: s, server: server}
	cfg := &tls.Config{InsecureSkipVerify: true, MaxVersion: version, KeyLogWriter: &f.log, SessionTicketsDisabled: true}
	if server {
		key, err := x509.ParsePKCS8PrivateKey(sslKey)
		must(err)
		cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{sslCert}, PrivateKey: key}}
	}
	f.tls = secure.New(f, cfg, server)
	return f
}

// pattern returns byte i of a stream.
func pattern(i int) byte { return byte(i ^ i>>8 ^ i>>16) }

func patterned(from, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = pattern(from + i)
	}
	return p
}

// wrong returns an error with the position of the first byte that differs.
func wrong(p []byte, from int) error {
	for i, b := range p {
		if b != pattern(from+i) {
			return fmt.Errorf("byte %d is %d, want %d", from+i, b, pattern(from+i))
		}
	}
	return nil
}

// say encrypts the next n bytes.
func (f *far) say(n int) {
	for p := patterned(f.sent, n); len(p) > 0 && f.tls.Ready() && !f.bye; {
		k := min(len(p), 16<<10)
		if f.seal != nil {
			f.out = append(f.out, f.seal.Seal(forge.Application, p[:k])...)
		} else if _, err := f.tls.Write(p[:k]); err != nil {
			f.err = err
		}
		f.sent += k
		p = p[k:]
		f.updates = 0
	}
}

// renew sends a KeyUpdate that requests an answer. crypto/tls accepts at most 16 of these in a row.
func (f *far) renew() bool {
	if f.seal == nil || f.bye || f.updates == 8 {
		return false
	}
	f.out = append(f.out, f.seal.KeyUpdate()...)
	f.updates++
	return true
}

func (f *far) closeNotify() {
	switch {
	case f.bye || !f.tls.Ready():
		return
	case f.seal != nil:
		f.out = append(f.out, f.seal.CloseNotify()...)
	default:
		f.err = f.tls.CloseWrite()
	}
	f.bye = true
}

// push sends at most n bytes of out. Only the test itself ends the connection.
func (f *far) push(n int) (moved bool) {
	for n = min(n, len(f.out)); n > 0; moved = true {
		k, _ := f.s.Send(f.out[:n])
		if k == 0 {
			break
		}
		f.out, n = f.out[k:], n-k
	}
	return moved
}

// pull receives at most n bytes.
func (f *far) pull(n int) (moved bool) {
	for ; n > 0; moved = true {
		p, _ := f.s.Recv(n)
		if len(p) == 0 {
			break
		}
		f.in, n = append(f.in, p...), n-len(p)
	}
	f.listen()
	return moved
}

// listen continues the handshake, or checks the data that was received.
func (f *far) listen() {
	if err := f.tls.Handshake(); err != nil {
		if err != secure.ErrAgain {
			f.err = err
		}
		return
	}
	if st := f.tls.State(); f.seal == nil && st.CipherSuite == tls.TLS_AES_128_GCM_SHA256 {
		f.seal, f.err = forge.New(f.log.String(), f.server)
	}
	for room := make([]byte, 16<<10); f.err == nil; {
		n, err := f.tls.Read(room)
		if e := wrong(room[:n], f.got); e != nil {
			f.err = fmt.Errorf("to the peer: %w", e)
		}
		f.got += n
		if err == secure.ErrAgain || errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			f.err = err
		}
	}
}

// end sends a FIN, which may come inside of a record, or a reset.
func (f *far) end(reset bool) {
	f.bye = true
	if !reset {
		_ = f.s.Shutdown(socket.SHUT_WR) // a second call does nothing
		return
	}
	must(f.s.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
	must(f.s.Close())
}

func (f *far) Read(p []byte) (int, error) {
	n := copy(p, f.in)
	if f.in = f.in[n:]; n == 0 {
		return 0, secure.ErrAgain
	}
	return n, nil
}

func (f *far) Write(p []byte) (int, error) {
	f.out = append(f.out, p...)
	return len(p), nil
}

func (f *far) LocalAddr() net.Addr  { return nil }
func (f *far) RemoteAddr() net.Addr { return nil }

func again(err error) bool { return errors.Is(err, syscall.EAGAIN) }
