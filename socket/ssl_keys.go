package socket

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// privateKey parses PEM or DER. In PEM, blocks of other types may precede the key. Errors name the
// kind of data that was found; they never contain any of it.
func privateKey(p []byte) (crypto.Signer, error) {
	if !isPEM(p) {
		return derKey(p)
	}
	for b, rest := pem.Decode(p); b != nil; b, rest = pem.Decode(rest) {
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY", b.Headers["DEK-Info"] != "":
			return nil, errors.New("the key is encrypted; MicroPython cannot ask for a password, so decrypt it before")
		case b.Type == "PRIVATE KEY", strings.HasSuffix(b.Type, " PRIVATE KEY"):
			return derKey(b.Bytes)
		}
	}
	return nil, fmt.Errorf("found %s, want a private key", found(p))
}

func derKey(der []byte) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("found %s, want a private key", found(der))
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("found a key that cannot sign (%T), want an RSA, ECDSA or Ed25519 key", k)
	}
	return s, nil
}

const certificateType = "CERTIFICATE"

// certificates parses PEM or DER. It returns an error if there is no certificate. Blocks of other
// types are ignored.
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
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("found %s, want a certificate", found(p))
	}
	return list, nil
}

func isPEM(p []byte) bool {
	b, _ := pem.Decode(p)
	return b != nil
}

// labels are the types of PEM blocks that found names. A label of another text stays unnamed,
// because it may be anything.
var labels = map[string]string{
	certificateType: "a certificate", "PRIVATE KEY": "a private key", "RSA PRIVATE KEY": "an RSA private key",
	"EC PRIVATE KEY": "an EC private key", "PUBLIC KEY": "a public key", "RSA PUBLIC KEY": "an RSA public key",
	"CERTIFICATE REQUEST": "a certificate request", "EC PARAMETERS": "EC parameters", "X509 CRL": "a revocation list",
	"ENCRYPTED PRIVATE KEY": "an encrypted private key", "OPENSSH PRIVATE KEY": "an OpenSSH private key",
	"DH PARAMETERS": "DH parameters", "TRUSTED CERTIFICATE": "an OpenSSL trusted certificate",
}

// found returns the kind of data that p is, without any of its content.
func found(p []byte) string {
	if len(p) == 0 {
		return "no bytes"
	}
	if !isPEM(p) {
		return kindOf(p)
	}
	var list []string
	const most = 4
	for b, rest := pem.Decode(p); b != nil && len(list) < most; b, rest = pem.Decode(rest) {
		name, ok := labels[b.Type]
		if !ok {
			name = "something else"
		}
		if kind := kindOf(b.Bytes); ok && (b.Type == certificateType) != (kind == labels[certificateType]) {
			name += " by its label, but " + kind + " by its content"
		}
		list = append(list, name)
	}
	return "PEM with " + strings.Join(list, ", ")
}

// kindOf says what DER is.
func kindOf(der []byte) string {
	if list, err := x509.ParseCertificates(der); err == nil && len(list) > 0 {
		return labels[certificateType]
	}
	for name, parse := range map[string]func([]byte) error{
		"an RSA private key": func(p []byte) error { _, err := x509.ParsePKCS1PrivateKey(p); return err },
		"an EC private key":  func(p []byte) error { _, err := x509.ParseECPrivateKey(p); return err },
		"a private key":      func(p []byte) error { _, err := x509.ParsePKCS8PrivateKey(p); return err },
		"a public key":       func(p []byte) error { _, err := x509.ParsePKIXPublicKey(p); return err },
		"an RSA public key":  func(p []byte) error { _, err := x509.ParsePKCS1PublicKey(p); return err },

		"a certificate request": func(p []byte) error { _, err := x509.ParseCertificateRequest(p); return err },
	} {
		if parse(der) == nil {
			return name
		}
	}
	return fmt.Sprintf("%d bytes that are neither PEM nor DER of a known kind", len(der))
}
