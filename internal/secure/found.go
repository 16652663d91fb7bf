package secure

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
)

// The results of Found that other packages compare with.
const (
	KindCertificate = "a certificate"
	KindEncrypted   = "an encrypted private key"
)

// labels maps the types of PEM blocks that Found may name. Found does not show any other label,
// because its text may be secret.
var labels = map[string]string{
	"CERTIFICATE": KindCertificate, "PRIVATE KEY": "a private key", "RSA PRIVATE KEY": "an RSA private key",
	"EC PRIVATE KEY": "an EC private key", "PUBLIC KEY": "a public key", "RSA PUBLIC KEY": "an RSA public key",
	"CERTIFICATE REQUEST": "a certificate request", "EC PARAMETERS": "EC parameters", "X509 CRL": "a revocation list",
	"ENCRYPTED PRIVATE KEY": KindEncrypted, "OPENSSH PRIVATE KEY": "an OpenSSH private key",
	"DH PARAMETERS": "DH parameters", "TRUSTED CERTIFICATE": "an OpenSSL trusted certificate", "PKCS7": "a PKCS #7 container",
}

// Found returns the kind of data that p is, for an error about a key or a certificate. The result
// contains nothing of p's content.
func Found(p []byte) string {
	if len(p) == 0 {
		return "no bytes"
	}
	var list []string
	const most = 4
	for b, rest := pem.Decode(p); b != nil && len(list) < most; b, rest = pem.Decode(rest) {
		name, ok := labels[b.Type]
		if !ok {
			name = "something else"
		}
		if kind := Kind(b.Bytes); ok && (b.Type == "CERTIFICATE") != (kind == KindCertificate) {
			name += " by its label, but " + kind + " by its content"
		}
		list = append(list, name)
	}
	if list == nil {
		return Kind(p)
	}
	return "PEM with " + strings.Join(list, ", ")
}

// marks contains the first bytes of files that are neither PEM nor DER.
var marks = []struct{ begin, kind string }{
	{"\xff\xfe", "UTF-16 text: save it as ASCII"},
	{"\xfe\xff", "UTF-16 text: save it as ASCII"},
	{"\xfe\xed\xfe\xed", "a Java keystore: export it as PEM"},
	{"PuTTY-User-Key-File", "a PuTTY key: export it as OpenSSL's PEM"},
}

// Kind returns the kind of data that p is, if p is not a whole PEM file.
func Kind(p []byte) string {
	if list, err := x509.ParseCertificates(p); err == nil && len(list) > 0 {
		return KindCertificate
	}
	for _, form := range []struct {
		kind  string
		parse func([]byte) error
	}{
		{"an RSA private key", func(p []byte) error { _, err := x509.ParsePKCS1PrivateKey(p); return err }},
		{"an EC private key", func(p []byte) error { _, err := x509.ParseECPrivateKey(p); return err }},
		{"a private key", func(p []byte) error { _, err := x509.ParsePKCS8PrivateKey(p); return err }},
		{"a public key", func(p []byte) error { _, err := x509.ParsePKIXPublicKey(p); return err }},
		{"an RSA public key", func(p []byte) error { _, err := x509.ParsePKCS1PublicKey(p); return err }},
		{"a certificate request", func(p []byte) error { _, err := x509.ParseCertificateRequest(p); return err }},
	} {
		if form.parse(p) == nil {
			return form.kind
		}
	}
	for _, m := range marks {
		if bytes.HasPrefix(p, []byte(m.begin)) {
			return m.kind
		}
	}
	if kind := container(p); kind != "" {
		return kind
	}
	if kind := brokenPEM(p); kind != "" {
		return kind
	}
	return fmt.Sprintf("%d bytes that are neither PEM nor DER of a known kind", len(p))
}

// container names the structures of PKCS that contain keys and certificates, and truncated DER.
func container(der []byte) string {
	var whole asn1.RawValue
	rest, err := asn1.Unmarshal(der, &whole)
	if err != nil {
		if n := sequence(der); n > len(der) {
			return fmt.Sprintf("DER that is cut: %d of %d bytes", len(der), n)
		}
		return ""
	}
	if len(rest) > 0 {
		return ""
	}
	var encrypted struct { // RFC 5958
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if _, err := asn1.Unmarshal(der, &encrypted); err == nil {
		return KindEncrypted
	}
	var pfx struct { // RFC 7292
		Version int
		Content asn1.RawValue
		Mac     asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &pfx); err == nil && pfx.Version == 3 && pfx.Content.Tag == asn1.TagSequence {
		return "a PKCS #12 file (.p12, .pfx): convert it by openssl pkcs12 -nodes"
	}
	var content struct { // RFC 5652
		Type asn1.ObjectIdentifier
		Body asn1.RawValue `asn1:"optional,explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &content); err == nil {
		return "a PKCS #7 container (.p7b): convert it by openssl pkcs7 -print_certs"
	}
	return ""
}

// sequence returns the length of a DER sequence according to its header, or 0 if p does not begin
// with a sequence.
func sequence(p []byte) int {
	if len(p) < 4 || p[0] != 0x30 {
		return 0
	}
	switch p[1] {
	case 0x81:
		return 3 + int(p[2])
	case 0x82:
		return 4 + int(p[2])<<8 + int(p[3])
	}
	if p[1] < 0x80 {
		return 2 + int(p[1])
	}
	return 0
}

// brokenPEM describes the error in a text that begins a PEM block and contains no whole block.
func brokenPEM(p []byte) string {
	_, after, ok := bytes.Cut(p, []byte("-----BEGIN "))
	if !ok {
		return ""
	}
	label, body, ok := bytes.Cut(after, []byte("-----"))
	name := labels[string(label)]
	if name == "" {
		name = "something else"
	}
	end := append([]byte("-----END "), label...)
	switch {
	case !ok || !bytes.Contains(body, end):
		return "PEM that is cut: " + name + " without its -----END line"
	default:
		return "PEM that is damaged: " + name + " whose lines are indented, or are not base64"
	}
}
