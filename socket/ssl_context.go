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

// These are the values of protocol in NewSSLContext. crypto/tls has no DTLS.
const (
	PROTOCOL_TLS_CLIENT = 0
	PROTOCOL_TLS_SERVER = 1
)

// These are the values of the verify mode. As on MicroPython's ports with mbedtls, only
// CERT_REQUIRED verifies the peer.
const (
	CERT_NONE     = 0
	CERT_OPTIONAL = 1
	CERT_REQUIRED = 2
)

// An SSLContext is MicroPython's ssl.SSLContext (docs/library/ssl.rst). It has settings for any
// number of connections. A change of a setting does not affect existing connections. Any goroutine
// may call the methods. An SSLContext must not be copied.
type SSLContext struct {
	protocol int

	mu       sync.Mutex
	mode     int // a CERT_ constant
	callback func(cert []byte, depth int) int
	cert     *tls.Certificate // nil if no certificate was loaded
	trusted  []*x509.Certificate
	suites   []suite
	config   *tls.Config // made from the present settings; nil if not made yet
	verifier *verifier   // made from the present settings, like config
}

// NewSSLContext is ssl.SSLContext(protocol). The verify mode of a client is CERT_REQUIRED, and that
// of a server is CERT_NONE. For a protocol of DTLS the error is ErrValue, and matches
// errors.ErrUnsupported.
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

// unsupported returns an ErrValue that also matches errors.ErrUnsupported.
func unsupported(o op, format string, args ...any) error {
	return fmt.Errorf("%w (%w)", badValue(o, format, args...), errors.ErrUnsupported)
}

// LoadCertChain is load_cert_chain with the names of two files: see LoadCertChainData.
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

// LoadCertChainData is load_cert_chain with two pieces of data, in PEM or DER. cert may be a chain.
// In both pieces, PEM blocks of other types are ignored, so both may be the same data. The error is
// ErrValue, and says which kind of data was found. As with mbedtls, only the handshake checks that
// the key belongs to the certificate.
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
	for _, link := range chain { // the peer gets the whole chain, so every part must be a certificate
		pair.Certificate = append(pair.Certificate, link.Raw)
	}
	c.set(func() { c.cert = pair })
	return nil
}

// LoadVerifyLocations is load_verify_locations. It adds authorities, which sign the certificates of
// peers. Pass the name of a file, or data in PEM or DER with one or more certificates, but not
// both. A client without authorities trusts those of the system. Errors are as for
// LoadCertChainData.
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

// SetVerifyMode sets the verify_mode to a CERT_ constant. For another value the error is ErrValue.
func (c *SSLContext) SetVerifyMode(mode int) error {
	if mode < CERT_NONE || mode > CERT_REQUIRED {
		return badValue(opVerifyMode, "verify_mode %d must be CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED", mode)
	}
	c.set(func() { c.mode = mode })
	return nil
}

// SetVerifyCallback sets the verify_callback. The handshake calls it for each certificate of the
// peer's chain, in DER. The authority is first and has the greatest depth. The peer is last and has
// depth 0. With CERT_NONE there is no call. If f returns another number than 0, the handshake fails
// with that number. f must not wait for the connection. A nil f removes the callback.
func (c *SSLContext) SetVerifyCallback(f func(cert []byte, depth int) int) {
	c.set(func() { c.callback = f })
}

// GetCiphers returns the names of the enabled cipher suites, as mbedtls writes them. Their order
// has no meaning: each connection decides which suite it prefers.
func (c *SSLContext) GetCiphers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, s := range c.suites {
		names = append(names, s.name())
	}
	return names
}

// SetCiphers enables these cipher suites and no others. The names are those of mbedtls or of IANA.
// Without a suite of TLS 1.3 there is no TLS 1.3. crypto/tls can enable its three suites of TLS 1.3
// only together, so one or two of them are an error. All other suites of crypto/tls are accepted,
// even insecure ones that are not enabled by default. The error is an OSError:
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

// configFor returns the configuration for a connection. host is the name of the server, which only
// a client needs.
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

// newConfig makes the configuration and the verifier from the settings.
func (c *SSLContext) newConfig() *tls.Config {
	cfg := &tls.Config{InsecureSkipVerify: true} // because VerifyConnection verifies
	cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion = versions(c.suites)
	if cert := c.cert; cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
		// Like mbedtls, a client sends its certificate whatever authorities the server requests.
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
