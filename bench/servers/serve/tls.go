package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"time"
)

// HandshakeTimeout is our default. A careful program over package net sets the same.
const HandshakeTimeout = 10 * time.Second

// record is the maximum that one Read over TLS returns.
const record = 16 << 10

// TLS returns the configuration of every server: TLS 1.3, a certificate on P-256, and no
// resumption.
func TLS() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Try(err)
	now := time.Now()
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	Try(err)
	return &tls.Config{
		Certificates:           []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true,
	}
}

// HandshakeTimeout returns how long a handshake may take.
func (o Options) HandshakeTimeout() time.Duration {
	if o.Patience > 0 {
		return o.Patience
	}
	return HandshakeTimeout
}

// A Secured is a *tls.Conn or a *netconn.TLSConn.
type Secured interface {
	net.Conn
	Handshake() error
}

// EchoTLS serves the connections of l. Each has a goroutine.
func (o Options) EchoTLS(l net.Listener, secure func(net.Conn) Secured) {
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(100 * time.Millisecond) // no descriptor or no memory is free, but later some will be
			continue
		}
		go o.ServeTLS(secure(c), o.TLSBuffer())
	}
}

// TLSBuffer returns a buffer for one connection.
func (o Options) TLSBuffer() []byte { return make([]byte, min(o.Buffer, record)) }

// ServeTLS serves one connection with buf. If buf is nil, it uses Data.
func (o *Options) ServeTLS(c Secured, buf []byte) {
	if !o.shake(c) {
		return
	}
	if buf == nil {
		echoData(c.(shows))
		return
	}
	defer c.Close()
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// shake makes the handshake, with a deadline. Without the deadline, a peer that never completes its
// handshake would stay without limit.
//
//go:noinline
func (o *Options) shake(c Secured) bool {
	c.SetDeadline(time.Now().Add(o.HandshakeTimeout()))
	if c.Handshake() != nil {
		c.Close()
		return false
	}
	c.SetDeadline(time.Time{})
	return true
}

type shows interface {
	Secured
	Data() ([]byte, error)
}

func echoData(c shows) {
	for {
		p, err := c.Data()
		if err != nil {
			break
		}
		if _, err := c.Write(p); err != nil {
			break
		}
	}
	c.Close()
}
