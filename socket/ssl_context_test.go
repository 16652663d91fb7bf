//go:build unix

package socket_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math"
	bigint "math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/socket"
)

// The protocol decides which side the context is for, and its first verify mode. DTLS is refused,
// and the error says so.
func TestProtocolDecidesTheVerifyMode(t *testing.T) {
	for protocol, mode := range map[int]int{socket.PROTOCOL_TLS_CLIENT: socket.CERT_REQUIRED, socket.PROTOCOL_TLS_SERVER: socket.CERT_NONE} {
		c := sslContext(t, protocol)
		if c.VerifyMode() != mode {
			t.Errorf("protocol %d: verify_mode %d, want %d", protocol, c.VerifyMode(), mode)
		}
		for _, wrong := range []int{-1, 3, math.MaxInt32} {
			if err := c.SetVerifyMode(wrong); !isValue(err) || c.VerifyMode() != mode {
				t.Errorf("verify_mode %d: %v, and is %d", wrong, err, c.VerifyMode())
			}
		}
		if err := c.SetVerifyMode(socket.CERT_OPTIONAL); err != nil || c.VerifyMode() != socket.CERT_OPTIONAL {
			t.Errorf("CERT_OPTIONAL: %v, and is %d", err, c.VerifyMode())
		}
	}
	for _, protocol := range []int{-1, 2, 3, 4} {
		_, err := socket.NewSSLContext(protocol)
		if dtls := protocol&^1 == 2; !isValue(err) || errors.Is(err, errors.ErrUnsupported) != dtls || strings.Contains(err.Error(), "DTLS") != dtls {
			t.Errorf("protocol %d: %v", protocol, err)
		}
	}
}

func sslContext(t *testing.T, protocol int) *socket.SSLContext {
	t.Helper()
	c, err := socket.NewSSLContext(protocol)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serverContext returns a context for a server with this identity.
func serverContext(t *testing.T, me *identity) *socket.SSLContext {
	t.Helper()
	c := sslContext(t, socket.PROTOCOL_TLS_SERVER)
	if err := c.LoadCertChainData(me.certPEM(), me.keyDER()); err != nil {
		t.Fatal(err)
	}
	return c
}

// clientContext returns a context for a client that trusts this identity.
func clientContext(t *testing.T, trusted *identity) *socket.SSLContext {
	t.Helper()
	c := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
	if err := c.LoadVerifyLocations("", trusted.certPEM()); err != nil {
		t.Fatal(err)
	}
	return c
}

// shake connects a client and a server. It returns the results of WrapSocket on both sides.
func shake(l *lab, server, client *socket.SSLContext, name string) (s, c *socket.SSLSocket, serverErr, clientErr error) {
	a, b := l.pair()
	join := l.beside(func(*lab) {
		if c, clientErr = client.WrapSocket(a, socket.SSLWrap{ServerHostname: name}); clientErr != nil {
			_ = a.Shutdown(socket.SHUT_WR) // the server waits for this, and before it the alert is sent
		}
	})
	s, serverErr = server.WrapSocket(b, socket.SSLWrap{ServerSide: true})
	join()
	return s, c, serverErr, clientErr
}

// LoadCertChain and LoadVerifyLocations accept names of files, and data in PEM and DER. Any other
// kind of data is ErrValue. The error says which kind it is, and contains none of the data.
func TestLoadNamesWhatItFound(t *testing.T) {
	me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(me.key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(me.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, cert := me.keyDER(), me.certPEM()
	secret := "this is the secret"
	for want, files := range map[string][2][]byte{
		"":                                      {cert, key},
		"invalid key: found a certificate":      {cert, me.cert.Raw},
		"invalid key: found PEM with a certif":  {cert, cert},
		"invalid key: found no bytes":           {cert, {}},
		"invalid key: found 18 bytes that are":  {cert, []byte(secret)},
		"invalid key: found a public key":       {cert, public},
		"invalid key: found PEM with a public ": {cert, block("PUBLIC KEY", public)},
		"invalid key: the key is encrypted":     {cert, block("ENCRYPTED PRIVATE KEY", []byte(secret))},
		"invalid key: the key is encrypted; load ": {cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY",
			Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte(secret)})},
		"invalid key: found PEM that is cut: a private key":                              {cert, block("PRIVATE KEY", pkcs8)[:60]},
		"invalid cert: found PEM that is cut: a certificate":                             {cert[:60], key},
		"invalid cert: found DER that is cut: 60 of ":                                    {me.cert.Raw[:60], key},
		"invalid key: found PEM with something":                                          {cert, block("SECRET "+secret, []byte(secret))},
		"invalid cert: found an EC private key":                                          {key, pkcs8},
		"invalid cert: found PEM with a private key":                                     {block("PRIVATE KEY", pkcs8), pkcs8},
		"invalid cert: found PEM with a certificate by its label, but an EC private key": {block("CERTIFICATE", key), key},
	} {
		err := sslContext(t, socket.PROTOCOL_TLS_SERVER).LoadCertChainData(files[0], files[1])
		if want == "" && err != nil || want != "" && (!isValue(err) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%v contains the secret", err)
		}
	}
	dir := t.TempDir()
	name := func(of string, p []byte) string {
		path := filepath.Join(dir, of)
		if err := os.WriteFile(path, p, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
	bom := []byte("\xef\xbb\xbf") // mbedtls skips this
	if err := c.LoadCertChainData(join(bom, cert), join(bom, block("PRIVATE KEY", pkcs8))); err != nil {
		t.Error(err)
	}
	keyFile, certFile, nowhere := name("key", key), name("cert", cert), filepath.Join(dir, "none")
	for what, err := range map[string]error{
		"files":           c.LoadCertChain(certFile, keyFile),
		"an authority":    c.LoadVerifyLocations(certFile, nil),
		"another, in DER": c.LoadVerifyLocations("", me.cert.Raw),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"no certificate file": c.LoadCertChain(nowhere, keyFile),
		"no key file":         c.LoadCertChain(certFile, nowhere),
		"no authority file":   c.LoadVerifyLocations(nowhere, nil),
	} {
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, new(*socket.OSError)) || !strings.Contains(err.Error(), nowhere) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"a key as authority": c.LoadVerifyLocations(keyFile, nil),
		"both":               c.LoadVerifyLocations(certFile, cert),
		"neither":            c.LoadVerifyLocations("", nil),
	} {
		if !isValue(err) {
			t.Errorf("%s: %v, want ErrValue", what, err)
		}
	}
}

// twelve returns the suites of a context without those of TLS 1.3.
func twelve(c *socket.SSLContext) []string {
	return slices.DeleteFunc(c.GetCiphers(), func(s string) bool { return strings.HasPrefix(s, "TLS1-3") })
}

// A connection uses the suite that SetCiphers names, with mbedtls's name or IANA's. The suites
// decide the version. A suite that crypto/tls does not have is refused with mbedtls's number, and
// the enabled suites do not change.
func TestSetCiphersDecides(t *testing.T) {
	parked(t, func(l *lab) {
		me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
		server, client := serverContext(t, me), clientContext(t, me)
		l.must(client.SetVerifyMode(socket.CERT_NONE))
		for _, c := range []struct{ name, suite, version string }{
			{"TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256", "", "TLSv1.2"},
			{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384", "TLSv1.2"},
		} {
			if c.suite == "" {
				c.suite = c.name
			}
			l.must(client.SetCiphers([]string{c.name}))
			if got := client.GetCiphers(); !slices.Equal(got, []string{c.suite}) {
				t.Errorf("%s: enabled are %q", c.name, got)
			}
			s, _, serverErr, clientErr := shake(l, server, client, "")
			l.must(errors.Join(serverErr, clientErr))
			if suite, version := s.Cipher(); suite != c.suite || version != c.version {
				t.Errorf("%s: %s, %s", c.name, suite, version)
			}
		}
		before := client.GetCiphers()
		for want, names := range map[string][]string{
			"the list has no cipher suite": {}, "crypto/tls has no cipher suite": {before[0], "BAR"},
			"pre-shared keys": {"TLS-PSK-WITH-AES-128-GCM-SHA256"}, "all of them or none": {"TLS1-3-AES-128-GCM-SHA256"},
		} {
			err := client.SetCiphers(names)
			sslNumber(t, want, err, -24192, "MBEDTLS_ERR_SSL_BAD_CONFIG")
			if !strings.Contains(err.Error(), want) || !slices.Equal(client.GetCiphers(), before) {
				t.Errorf("%q: %v, and enabled are %q", names, err, client.GetCiphers())
			}
		}
		thirteen := slices.DeleteFunc(sslContext(t, 0).GetCiphers(), func(s string) bool { return !strings.HasPrefix(s, "TLS1-3") })
		l.must(client.SetCiphers(thirteen))
		_, c, serverErr, clientErr := shake(l, server, client, "")
		l.must(errors.Join(serverErr, clientErr))
		if suite, version := c.Cipher(); version != "TLSv1.3" || !slices.Contains(thirteen, suite) {
			t.Errorf("%s, %s", suite, version)
		}
		l.must(server.SetCiphers(twelve(server)))
		_, _, serverErr, clientErr = shake(l, server, client, "")
		if serverErr == nil || clientErr == nil {
			t.Error("no version is common to both, and they have shaken hands")
		}
	})
}

// Every suite of crypto/tls can be enabled, even an insecure one. Only two insecure ones are
// enabled by default.
func TestInsecureSuitesMustBeNamed(t *testing.T) {
	c := sslContext(t, socket.PROTOCOL_TLS_SERVER)
	enabled := c.GetCiphers()
	insecure := 0
	var all []string
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		all = append(all, s.Name)
		name := strings.ReplaceAll(s.Name, "_", "-")
		if s.Insecure && slices.Contains(enabled, name) {
			insecure++
			if !strings.HasPrefix(name, "TLS-ECDHE-") || !strings.HasSuffix(name, "-CBC-SHA256") {
				t.Errorf("%s is enabled", name)
			}
		}
	}
	if insecure != 2 {
		t.Errorf("%d insecure suites are enabled", insecure)
	}
	if err := c.SetCiphers(all); err != nil || len(c.GetCiphers()) != len(all) {
		t.Errorf("%d of %d, %v", len(c.GetCiphers()), len(all), err)
	}
}

// Keys of every kind that mbedtls parses are accepted. An RSA key that is too short for crypto/tls
// is accepted too, and fails only in the handshake.
func TestKeysOfEveryKind(t *testing.T) {
	short := shortRSA(t)
	long, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(long)
	if err != nil {
		t.Fatal(err)
	}
	me := issue(t, nil, &x509.Certificate{})
	for what, key := range map[string][]byte{
		"RSA, 512 bits": x509.MarshalPKCS1PrivateKey(short), "RSA": x509.MarshalPKCS1PrivateKey(long), "RSA in PKCS8": pkcs8,
		"RSA in PEM": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(long)), "EC": me.keyDER(),
		"after parameters": join(block("EC PARAMETERS", []byte{6, 8}), block("EC PRIVATE KEY", me.keyDER())),
	} {
		if err := sslContext(t, socket.PROTOCOL_TLS_SERVER).LoadCertChainData(me.certPEM(), key); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// shortRSA makes a key that crypto/rsa would refuse to make.
func shortRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	for {
		p, err1 := rand.Prime(rand.Reader, 256)
		q, err2 := rand.Prime(rand.Reader, 256)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		one := bigint.NewInt(1)
		phi := new(bigint.Int).Mul(new(bigint.Int).Sub(p, one), new(bigint.Int).Sub(q, one))
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(bigint.Int).Mul(p, q), E: 65537}, Primes: []*bigint.Int{p, q}}
		if k.D = new(bigint.Int).ModInverse(bigint.NewInt(65537), phi); k.D != nil && p.Cmp(q) != 0 {
			return k
		}
	}
}
