package socket

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// config converts the options to those of crypto/tls. It returns ErrValue for wrong options.
func (o *SSLOptions) config(server bool) (*tls.Config, error) {
	required := o.CertReqs == CERT_REQUIRED
	switch {
	case o.CertReqs < CERT_NONE || o.CertReqs > CERT_REQUIRED:
		return nil, badValue(opWrap, "cert_reqs %d must be 0 … 2", o.CertReqs)
	case (o.Key == nil) != (o.Cert == nil):
		return nil, badValue(opWrap, "key and cert must be given both")
	case server && o.Cert == nil:
		return nil, badValue(opWrap, "a server must have key and cert")
	case server && required && o.CAData == nil: // the system's authorities would accept any client
		return nil, badValue(opWrap, "CERT_REQUIRED of a server needs cadata")
	case !server && required && o.ServerHostname == "":
		return nil, badValue(opWrap, "CERT_REQUIRED needs server_hostname")
	}
	cfg := &tls.Config{ServerName: o.ServerHostname}
	if o.Cert != nil {
		c, err := keyPair(o.Cert, o.Key)
		if err != nil {
			return nil, badValue(opWrap, "key and cert: %v", err)
		}
		cfg.Certificates = []tls.Certificate{c}
	}
	if o.CAData != nil {
		trusted := x509.NewCertPool()
		list, err := certificates(o.CAData)
		if err != nil {
			return nil, badValue(opWrap, "cadata: %v", err)
		}
		for _, c := range list {
			trusted.AddCert(c)
		}
		cfg.RootCAs, cfg.ClientCAs = trusted, trusted
	}
	cfg.InsecureSkipVerify = true // VerifyConnection does that
	if required && !server {
		cfg.VerifyConnection = verify(cfg.RootCAs, o.ServerHostname)
	}
	cfg.ClientAuth = [...]tls.ClientAuthType{tls.NoClientCert, tls.RequestClientCert, tls.RequireAndVerifyClientCert}[o.CertReqs]
	return cfg, nil
}

// keyPair reads both by the types of their PEM blocks. A file may hold the key beside the
// certificates, and parameters beside the key. The chain must contain only certificates, because
// the peer gets all of it.
func keyPair(cert, key []byte) (tls.Certificate, error) {
	chain, err := certificates(cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	var links []byte
	for _, c := range chain {
		links = append(links, pem.EncodeToMemory(&pem.Block{Type: certificateType, Bytes: c.Raw})...)
	}
	if !isPEM(key) {
		// crypto/tls finds out the kind of key.
		key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	}
	return tls.X509KeyPair(links, key)
}

const certificateType = "CERTIFICATE"

// certificates parses PEM or DER. It returns an error if there is no certificate.
func certificates(p []byte) ([]*x509.Certificate, error) {
	der := p
	if isPEM(p) {
		der = nil
		for b, rest := pem.Decode(p); b != nil; b, rest = pem.Decode(rest) {
			if b.Type == certificateType {
				der = append(der, b.Bytes...)
			}
		}
	}
	list, err := x509.ParseCertificates(der)
	if err == nil && len(list) == 0 {
		err = errors.New("no certificate is in it")
	}
	return list, err
}

func isPEM(p []byte) bool {
	b, _ := pem.Decode(p)
	return b != nil
}

// verify checks a server's certificate as mbedtls does: the chain, then the name. If trusted is
// nil, the system's authorities are.
func verify(trusted *x509.CertPool, host string) func(tls.ConnectionState) error {
	return func(st tls.ConnectionState) error {
		leaf := st.PeerCertificates[0] // crypto/tls refuses a server without one
		opts := x509.VerifyOptions{Roots: trusted, Intermediates: x509.NewCertPool()}
		for _, c := range st.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		_, err := leaf.Verify(opts)
		if err == nil {
			err = verifyName(leaf, host)
		}
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: st.PeerCertificates, Err: err}
		}
		return nil
	}
}

var (
	oidAltName    = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// verifyName checks the host name. The subject's common names count only if the certificate has no
// alternative names.
func verifyName(c *x509.Certificate, host string) error {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidAltName) {
			return c.VerifyHostname(host)
		}
	}
	for _, a := range c.Subject.Names {
		if name, ok := a.Value.(string); ok && a.Type.Equal(oidCommonName) && matches(name, host) {
			return nil
		}
	}
	return fmt.Errorf("x509: the certificate is valid for CN %q, not for %q", c.Subject.CommonName, host)
}

// matches compares without regard to case. "*." at the beginning of name matches one label of host.
func matches(name, host string) bool {
	if strings.EqualFold(name, host) {
		return true
	}
	rest, wild := strings.CutPrefix(name, "*")
	dot := strings.IndexByte(host, '.')
	return wild && strings.HasPrefix(rest, ".") && dot > 0 && strings.EqualFold(rest, host[dot:])
}
