package socket

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/ureactor/ureactor/internal/kernel"
)

// config is the options as crypto/tls has them. What cannot be is ErrValue.
func (o *SSLOptions) config(server bool) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: o.ServerHostname}
	switch {
	case o.CertReqs < CERT_NONE || o.CertReqs > CERT_REQUIRED:
		return nil, badValue(opWrap, "cert_reqs %d must be 0 … 2", o.CertReqs)
	case (o.Key == nil) != (o.Cert == nil):
		return nil, badValue(opWrap, "key and cert must be given both")
	case server && o.Cert == nil:
		return nil, badValue(opWrap, "a server must have key and cert")
	case !server && o.CertReqs == CERT_REQUIRED && o.ServerHostname == "":
		return nil, badValue(opWrap, "CERT_REQUIRED needs server_hostname")
	}
	if o.Cert != nil {
		c, err := certificate(o.Cert, o.Key)
		if err != nil {
			return nil, badValue(opWrap, "key and cert: %v", err)
		}
		cfg.Certificates = []tls.Certificate{c}
	}
	var trusted *x509.CertPool
	if o.CAData != nil {
		trusted = x509.NewCertPool()
		for _, der := range ders(o.CAData) {
			list, err := x509.ParseCertificates(der)
			if err != nil {
				return nil, badValue(opWrap, "cadata: %v", err)
			}
			for _, c := range list {
				trusted.AddCert(c)
			}
		}
	}
	cfg.RootCAs, cfg.ClientCAs = trusted, trusted
	cfg.InsecureSkipVerify = o.CertReqs != CERT_REQUIRED // of a server only
	cfg.ClientAuth = [...]tls.ClientAuthType{tls.NoClientCert, tls.RequestClientCert, tls.RequireAndVerifyClientCert}[o.CertReqs]
	return cfg, nil
}

func certificate(cert, key []byte) (c tls.Certificate, err error) {
	c.Certificate = ders(cert)
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return c, err
	}
	k, err := parseKey(ders(key)[0])
	if err != nil {
		return c, err
	}
	public, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(k.Public()) {
		return c, errors.New("they do not belong together")
	}
	c.PrivateKey = k
	return c, nil
}

func parseKey(der []byte) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, errors.New("a key that cannot sign")
	}
	return s, nil
}

// ders are the DER blocks of PEM text, or what is no PEM as it is.
func ders(p []byte) (list [][]byte) {
	for rest := p; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		list = append(list, b.Bytes)
	}
	if list == nil {
		list = [][]byte{p}
	}
	return list
}

// sealed is the kernel of a socket of IPPROTO_SEC: nothing goes over it in the clear. WrapSSL opens it.
type sealed struct{ kernel.Kernel }

func (sealed) Recv(int, []byte, int) (int, kernel.Errno) { return 0, kernel.EPROTO }
func (sealed) Send(int, []byte, int) (int, kernel.Errno) { return 0, kernel.EPROTO }
func (sealed) SendV(int, [][]byte) (int, kernel.Errno)   { return 0, kernel.EPROTO }
func (sealed) RecvFrom(int, []byte, int) (int, kernel.Addr, kernel.Errno) {
	return 0, kernel.Addr{}, kernel.EPROTO
}
func (sealed) SendTo(int, []byte, int, kernel.Addr) (int, kernel.Errno) { return 0, kernel.EPROTO }

// below is the kernel that moves bytes.
func below(k kernel.Kernel) kernel.Kernel {
	if s, ok := k.(sealed); ok {
		return s.Kernel
	}
	return k
}
