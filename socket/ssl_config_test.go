//go:build unix

package socket_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	bigint "math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// An identity is a key and a certificate for the key.
type identity struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// issue makes a certificate. If by is nil, the certificate is signed by its own key.
func issue(t *testing.T, by *identity, c *x509.Certificate) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if c.SerialNumber = bigint.NewInt(1); c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := c, crypto.Signer(key)
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{key, cert}
}

func (i *identity) certPEM() []byte { return block("CERTIFICATE", i.cert.Raw) }

func (i *identity) keyDER() []byte {
	der, err := x509.MarshalECPrivateKey(i.key)
	if err != nil {
		panic(err)
	}
	return der
}

func block(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// A tap is the connection of a peer. It copies the peer's input.
type tap struct {
	net.Conn
	seen bytes.Buffer
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.seen.Write(p[:n])
	return n, err
}

// wrap makes a handshake between an SSLSocket and crypto/tls, and closes the connection. `seen` has
// the bytes that the peer has received.
func wrap(t *testing.T, server bool, o socket.SSLOptions, peer *tls.Config) (seen []byte, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := socket.New(inet, stream, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Connect(socket.Tuple("127.0.0.1", l.Addr().(*net.TCPAddr).Port)); err != nil {
		t.Fatal(err)
	}
	raw, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := &tap{Conn: raw}
	var shaken sync.WaitGroup
	shaken.Go(func() {
		side := tls.Client
		if !server {
			side = tls.Server
		}
		_ = side(c, peer).Handshake()
		_ = raw.Close()
	})
	_ = s.SetTimeout(timeout.Timeout(guard))
	_, err = socket.WrapSSL(s, server, o)
	_ = s.Close()
	shaken.Wait()
	return c.seen.Bytes(), err
}

// PEM files may have blocks of any type in any order. WrapSSL reads certificates from one file, and
// a key from another one, as crypto/tls does. No private key reaches the peer, and no error
// contains one.
func TestPEMIsReadByType(t *testing.T) {
	if !longtest.Default(t, "many keys") {
		return
	}
	authority := issue(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true})
	me := issue(t, authority, &x509.Certificate{DNSNames: []string{"localhost"}})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(me.key)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{
		"leaf":       me.certPEM(),
		"authority":  authority.certPEM(),
		"EC key":     block("EC PRIVATE KEY", me.keyDER()),
		"PKCS8":      block("PRIVATE KEY", pkcs8),
		"parameters": []byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"),
		"text":       []byte("some text\n"),
		// A key with a label that says that it is a certificate.
		"liar":     block("CERTIFICATE", me.keyDER()),
		"DER key":  me.keyDER(),
		"DER leaf": me.cert.Raw,
	}
	raw, err := me.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secrets := [][]byte{me.keyDER(), raw}
	// The files are each block alone, each pair of blocks, and each pair with a third block.
	files := func(names ...string) (files [][]string) {
		for _, a := range names {
			files = append(files, []string{a})
			for _, b := range names {
				files = append(files, []string{a, b}, []string{"text", a, b}, []string{a, b, "parameters"})
			}
		}
		return files
	}
	content := func(names []string) (p []byte) {
		for _, n := range names {
			p = append(p, parts[n]...)
		}
		return p
	}
	good := 0
	for _, cert := range files("leaf", "authority", "EC key", "parameters", "liar", "DER key", "DER leaf") {
		for _, key := range [][]string{{"EC key"}, {"parameters", "EC key"}, {"leaf", "PKCS8"}, {"text", "EC key", "authority"}, {"DER key"}} {
			o := socket.SSLOptions{Cert: content(cert), Key: content(key), DeferHandshake: true}
			pair, want := tls.X509KeyPair(o.Cert, o.Key)
			for _, link := range pair.Certificate {
				if _, err := x509.ParseCertificate(link); err != nil {
					want = err // crypto/tls checks only the first certificate
				}
			}
			s := toSilent(t)
			_, err := socket.WrapSSL(s, true, o)
			if want == nil && err != nil {
				t.Errorf("cert %q, key %q: %v", cert, key, err)
			}
			if err == nil {
				good++
				continue // the test checks its bytes below
			}
			if !errors.Is(err, socket.ErrValue) {
				t.Errorf("cert %q, key %q: %v, want ErrValue", cert, key, err)
			}
			for _, secret := range secrets {
				for _, text := range []string{string(secret), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret)[:20]} {
					if strings.Contains(err.Error(), text) {
						t.Errorf("cert %q, key %q: the key is in the error", cert, key)
					}
				}
			}
		}
	}
	if good == 0 {
		t.Error("no file was good")
	}
	for _, cert := range [][]string{{"leaf", "EC key"}, {"EC key", "leaf"}, {"leaf", "authority", "PKCS8"}, {"DER leaf"}, {"parameters", "leaf", "liar"}} {
		o := socket.SSLOptions{Cert: content(cert), Key: content([]string{"parameters", "EC key"})}
		seen, err := wrap(t, true, o, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		if bad := cert[len(cert)-1] == "liar"; (err != nil) != bad {
			t.Errorf("cert %q: %v", cert, err)
		}
		for _, secret := range secrets {
			if bytes.Contains(seen, secret) {
				t.Errorf("cert %q: the key has reached the peer", cert)
			}
		}
	}
}

// toSilent returns a Socket whose peer is connected and sends nothing.
func toSilent(t *testing.T) *socket.Socket {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := socket.New(inet, stream, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); l.Close() })
	if err := s.Connect(socket.Tuple("127.0.0.1", l.Addr().(*net.TCPAddr).Port)); err != nil {
		t.Fatal(err)
	}
	return s
}

// CAData may have PEM blocks of other types, and several certificates in PEM or DER. If it has no
// certificate, the error is ErrValue.
func TestCADataIsReadByType(t *testing.T) {
	a := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
	b := issue(t, nil, &x509.Certificate{})
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{a.cert.Raw}, PrivateKey: a.key}}}
	for _, c := range []struct {
		name string
		data []byte
		want func(error) bool
	}{
		{"PEM", join(b.certPEM(), a.certPEM()), isNil},
		{"DER", join(b.cert.Raw, a.cert.Raw), isNil},
		{"with the key", join(block("EC PRIVATE KEY", a.keyDER()), a.certPEM()), isNil},
		{"a list of revocations", join(a.certPEM(), block("X509 CRL", []byte("x"))), isNil},
		{"another", b.certPEM(), func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }},
		{"a key only", block("EC PRIVATE KEY", a.keyDER()), isValue},
		{"a liar", join(a.certPEM(), block("CERTIFICATE", a.keyDER())), isValue},
		{"nothing", []byte{}, isValue},
	} {
		o := socket.SSLOptions{CertReqs: socket.CERT_REQUIRED, CAData: c.data, ServerHostname: "localhost"}
		if _, err := wrap(t, false, o, server); !c.want(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func isNil(err error) bool   { return err == nil }
func isValue(err error) bool { return errors.Is(err, socket.ErrValue) }

// Like mbedtls, CERT_REQUIRED compares the hostname with the alternative names of the certificate.
// If there are none, it compares with the common name. It verifies the chain in each case.
func TestCertRequiredAsMbedTLS(t *testing.T) {
	ca := issue(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	middle := issue(t, ca, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "m"}})
	past := time.Now().Add(-time.Hour)
	cn := func(name string) *x509.Certificate { return &x509.Certificate{Subject: pkix.Name{CommonName: name}} }
	both := cn("a.example")
	both.DNSNames = []string{"b.example"}
	old := cn("a.example")
	old.NotAfter = past
	mail := cn("a.example")
	mail.EmailAddresses = []string{"x@a.example"}
	self := issue(t, nil, cn("a.example"))
	for _, c := range []struct {
		name, host string
		leaf       *identity
		chain      []*identity
		trust      *identity
		good       bool
	}{
		{"its own authority", "a.example", self, nil, self, true},
		{"from an authority", "a.example", issue(t, ca, cn("a.example")), nil, ca, true},
		{"over another", "a.example", issue(t, middle, cn("a.example")), []*identity{middle}, ca, true},
		{"in capitals", "A.Example", issue(t, ca, cn("a.example")), nil, ca, true},
		{"any of a domain", "x.example", issue(t, ca, cn("*.example")), nil, ca, true},
		{"an address", "127.0.0.1", issue(t, ca, cn("127.0.0.1")), nil, ca, true},
		{"alternative", "b.example", issue(t, ca, both), nil, ca, true},
		{"another name", "b.example", self, nil, self, false},
		{"not alternative", "a.example", issue(t, ca, both), nil, ca, false},
		{"alternative without names", "a.example", issue(t, ca, mail), nil, ca, false},
		{"two labels", "y.x.example", issue(t, ca, cn("*.example")), nil, ca, false},
		{"the domain itself", "example", issue(t, ca, cn("*.example")), nil, ca, false},
		{"no name", "a.example", issue(t, ca, &x509.Certificate{}), nil, ca, false},
		{"another authority", "a.example", issue(t, ca, cn("a.example")), nil, self, false},
		{"over nothing", "a.example", issue(t, middle, cn("a.example")), nil, ca, false},
		{"over what is no authority", "a.example", issue(t, self, cn("a.example")), []*identity{self}, ca, false},
		{"expired", "a.example", issue(t, ca, old), nil, ca, false},
	} {
		pair := tls.Certificate{Certificate: [][]byte{c.leaf.cert.Raw}, PrivateKey: c.leaf.key}
		for _, link := range c.chain {
			pair.Certificate = append(pair.Certificate, link.cert.Raw)
		}
		for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12}[:longtest.Count(1, 2, 2)] {
			o := socket.SSLOptions{CertReqs: socket.CERT_REQUIRED, CAData: c.trust.certPEM(), ServerHostname: c.host}
			_, err := wrap(t, false, o, &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: version})
			if (err == nil) != c.good || err != nil && !errors.As(err, new(*tls.CertificateVerificationError)) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

// A server that requires certificates of its clients needs authorities of its own, because the
// authorities of the system certify anybody.
func TestServersCertRequiredNeedsAuthorities(t *testing.T) {
	me := issue(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true})
	o := socket.SSLOptions{Cert: me.certPEM(), Key: block("EC PRIVATE KEY", me.keyDER()), CertReqs: socket.CERT_REQUIRED}
	s := toSilent(t)
	if _, err := socket.WrapSSL(s, true, o); !errors.Is(err, socket.ErrValue) || s.Fileno() < 0 {
		t.Errorf("without cadata: %v, descriptor %d", err, s.Fileno())
	}
	o.CAData = me.certPEM()
	client := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	if _, err := wrap(t, true, o, client); err == nil {
		t.Error("a client without a certificate is let in")
	}
	client.Certificates = []tls.Certificate{{Certificate: [][]byte{me.cert.Raw}, PrivateKey: me.key}}
	if _, err := wrap(t, true, o, client); err != nil {
		t.Error(err)
	}
}
