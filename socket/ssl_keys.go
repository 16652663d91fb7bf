package socket

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/ureactor/ureactor/internal/secure"
)

var errEncrypted = errors.New("the key is encrypted; load a decrypted key, because no parameter has a password")

// privateKey parses a key in PEM or DER. In PEM, blocks of other types may precede the key. An
// error says which kind of data was found. It never contains a part of the data.
func privateKey(p []byte) (crypto.Signer, error) {
	p = plain(p)
	if !isPEM(p) {
		return derKey(p)
	}
	for b, rest := pem.Decode(p); b != nil; b, rest = pem.Decode(rest) {
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY", b.Headers["DEK-Info"] != "":
			return nil, errEncrypted
		case b.Type == "PRIVATE KEY", strings.HasSuffix(b.Type, " PRIVATE KEY"):
			return derKey(b.Bytes)
		}
	}
	return nil, fmt.Errorf("found %s, want a private key", secure.Found(p))
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
		if secure.Kind(der) == secure.KindEncrypted {
			return nil, errEncrypted
		}
		return nil, fmt.Errorf("found %s, want a private key", secure.Found(der))
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("found a key that cannot sign (%T), want an RSA, ECDSA or Ed25519 key", k)
	}
	return s, nil
}

// certificates parses certificates in PEM or DER. If there is none, it returns an error. Blocks of
// other types are ignored.
func certificates(p []byte) ([]*x509.Certificate, error) {
	p = plain(p)
	der := p
	if isPEM(p) {
		der = nil
		for b, rest := pem.Decode(p); b != nil; b, rest = pem.Decode(rest) {
			if b.Type == "CERTIFICATE" {
				der = append(der, b.Bytes...)
			}
		}
	}
	list, err := x509.ParseCertificates(der)
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("found %s, want a certificate", secure.Found(p))
	}
	return list, nil
}

func isPEM(p []byte) bool {
	b, _ := pem.Decode(p)
	return b != nil
}

// plain returns p without the byte order mark that some editors put in front of UTF-8. mbedtls
// skips everything in front of PEM.
func plain(p []byte) []byte { return bytes.TrimPrefix(p, []byte("\xef\xbb\xbf")) }
