package socket

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// These are the values of NewSSLContext's protocol. crypto/tls has no DTLS.
const (
	PROTOCOL_TLS_CLIENT = 0
	PROTOCOL_TLS_SERVER = 1
)

// The values of the verify mode. Only CERT_REQUIRED validates the peer, as on MicroPython's mbedtls
// ports.
const (
	CERT_NONE     = 0
	CERT_OPTIONAL = 1
	CERT_REQUIRED = 2
)

// An SSLContext is MicroPython's ssl.SSLContext (docs/library/ssl.rst): the settings of any number
// of connections. A setting has no effect on connections that exist. Any goroutine may call the
// methods. An SSLContext must not be copied.
type SSLContext struct {
	protocol int

	mu       sync.Mutex
	mode     int // a CERT_ value
	callback func(cert []byte, depth int) int
	cert     *tls.Certificate // nil if no certificate was loaded
	trusted  []*x509.Certificate
	suites   []suite
	config   *tls.Config // made from the present settings; nil: not made yet
	verifier *verifier   // made from the present settings too
}

// NewSSLContext is ssl.SSLContext(protocol). A client's verify mode is CERT_REQUIRED and a server's
// is CERT_NONE. The protocols of DTLS are ErrValue, and match errors.ErrUnsupported.
func NewSSLContext(protocol int) (*SSLContext, error) {
	c := &SSLContext{protocol: protocol, suites: defaultSuites()}
	switch protocol {
	case PROTOCOL_TLS_CLIENT:
		c.mode = CERT_REQUIRED
	case PROTOCOL_TLS_SERVER:
	case 2, 3:
		return nil, unsupported(opContext, "protocol %d is DTLS, which crypto/tls does not have", protocol)
	default:
		return nil, badValue(opContext, "protocol %d must be PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER", protocol)
	}
	return c, nil
}

// unsupported is an ErrValue that also matches errors.ErrUnsupported.
func unsupported(o op, format string, args ...any) error {
	return fmt.Errorf("%w (%w)", badValue(o, format, args...), errors.ErrUnsupported)
}

// LoadCertChain is load_cert_chain with the names of files; see LoadCertChainData.
func (c *SSLContext) LoadCertChain(certfile, keyfile string) error {
	key, err := os.ReadFile(keyfile)
	if err != nil {
		return fileError(opLoadCert, err)
	}
	cert, err := os.ReadFile(certfile)
	if err != nil {
		return fileError(opLoadCert, err)
	}
	return c.LoadCertChainData(cert, key)
}

// LoadCertChainData is load_cert_chain with bytes, PEM or DER. cert may be a chain. In each of the
// two, PEM blocks of other types are ignored, so both may be the same file. An error is ErrValue
// and names the kind of data that was found. As with mbedtls, only the handshake checks that the
// key belongs to the certificate.
func (c *SSLContext) LoadCertChainData(cert, key []byte) error {
	k, err := privateKey(key)
	if err != nil {
		return badValue(opLoadCert, "invalid key: %v", err)
	}
	chain, err := certificates(cert)
	if err != nil {
		return badValue(opLoadCert, "invalid cert: %v", err)
	}
	pair := &tls.Certificate{PrivateKey: k, Leaf: chain[0]}
	for _, link := range chain { // the peer gets all of it, so it must contain only certificates
		pair.Certificate = append(pair.Certificate, link.Raw)
	}
	c.set(func() { c.cert = pair })
	return nil
}

// LoadVerifyLocations is load_verify_locations: it adds authorities that certify the peer. Give
// either the name of a file or bytes, PEM or DER, of one or more certificates. A client that has no
// authorities trusts those of the system. Errors are as for LoadCertChainData.
func (c *SSLContext) LoadVerifyLocations(cafile string, cadata []byte) error {
	switch {
	case (cafile == "") == (cadata == nil):
		return badValue(opLoadVerify, "either cafile or cadata must be given")
	case cafile != "":
		data, err := os.ReadFile(cafile)
		if err != nil {
			return fileError(opLoadVerify, err)
		}
		cadata = data
	}
	list, err := certificates(cadata)
	if err != nil {
		return badValue(opLoadVerify, "invalid cert: %v", err)
	}
	c.set(func() { c.trusted = append(slices.Clip(c.trusted), list...) })
	return nil
}

// VerifyMode returns the verify_mode.
func (c *SSLContext) VerifyMode() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mode
}

// SetVerifyMode sets the verify_mode to a CERT_ value; any other is ErrValue.
func (c *SSLContext) SetVerifyMode(mode int) error {
	if mode < CERT_NONE || mode > CERT_REQUIRED {
		return badValue(opVerifyMode, "verify_mode %d must be CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED", mode)
	}
	c.set(func() { c.mode = mode })
	return nil
}

// SetVerifyCallback sets the verify_callback. The handshake calls it for each certificate of the
// peer's chain, in DER: first the authority, which has the greatest depth, and the peer last, with
// depth 0. With CERT_NONE it calls no callback. If f returns another number than 0, the handshake
// fails with that number. f must not wait for the connection. A nil f removes the callback.
func (c *SSLContext) SetVerifyCallback(f func(cert []byte, depth int) int) {
	c.set(func() { c.callback = f })
}

// GetCiphers returns the names of the enabled cipher suites, as mbedtls writes them. Their order
// does not matter: each connection decides which suite it prefers.
func (c *SSLContext) GetCiphers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, s := range c.suites {
		names = append(names, s.name())
	}
	return names
}

// SetCiphers enables these cipher suites and no others, by the names of mbedtls or of IANA. Without
// a suite of TLS 1.3 there is no TLS 1.3. crypto/tls enables the three suites of TLS 1.3 only
// together, so one or two of them alone are an error. Every other suite of crypto/tls is accepted,
// also an insecure one that is not enabled by default. The error is an OSError:
// MBEDTLS_ERR_SSL_BAD_CONFIG.
func (c *SSLContext) SetCiphers(names []string) error {
	list, err := suitesOf(names)
	if err != nil {
		return caused(opSetCiphers, sslBadConfig, err)
	}
	c.set(func() { c.suites = list })
	return nil
}

// set changes the settings.
func (c *SSLContext) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = nil
	f()
}

// configFor returns the configuration of a connection. host is the server's name; only a client
// needs it.
func (c *SSLContext) configFor(host string) *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.config == nil {
		c.verifier = c.newVerifier()
		c.config = c.newConfig()
	}
	if c.protocol == PROTOCOL_TLS_SERVER {
		return c.config // all connections share it, because it has the keys of session tickets
	}
	cfg := c.config.Clone()
	cfg.ServerName = host
	if c.mode != CERT_NONE {
		v := *c.verifier
		v.host = host
		cfg.VerifyConnection = v.verify
	}
	return cfg
}

// newConfig makes the configuration of the settings and the verifier.
func (c *SSLContext) newConfig() *tls.Config {
	cfg := &tls.Config{InsecureSkipVerify: true} // VerifyConnection does that
	cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion = versions(c.suites)
	if cert := c.cert; cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
		// Like mbedtls, a client sends its certificate whatever authorities the server names.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cert, nil
		}
	}
	if c.protocol == PROTOCOL_TLS_SERVER && c.mode != CERT_NONE {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequestClientCert, c.verifier.trusted
		cfg.VerifyConnection = c.verifier.verify
	}
	return cfg
}
