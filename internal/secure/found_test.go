package secure

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

// Found names every kind of file that people mistake for a key or a certificate, even if the file
// is damaged. Its text repeats no content of the file.
func TestFoundNamesEveryKindOfFile(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	der := func(v any) []byte {
		p, err := asn1.Marshal(v)
		must(t, err)
		return p
	}
	type algorithm struct {
		OID   asn1.ObjectIdentifier
		Parts []int
	}
	type content struct {
		Type asn1.ObjectIdentifier
		Body []byte `asn1:"explicit,tag:0"`
	}
	const secret = "c2VjcmV0" // base64
	data := content{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}, []byte("secret")}
	encrypted := der(struct {
		Algorithm algorithm
		Data      []byte
	}{algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, []int{1}}, []byte("secret")})
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	begin := "-----BEGIN PRIVATE KEY-----\n"
	end := "-----END PRIVATE KEY-----\n"
	for _, file := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"nothing", nil, "no bytes"},
		{"a certificate", cert, KindCertificate},
		{"a key", pkcs8, "a private key"},
		{"a key in PEM", text, "PEM with a private key"},
		{"PKCS #8 with a password", encrypted, KindEncrypted},
		{"PKCS #12", der(struct {
			Version int
			Safe    content
			Mac     algorithm
		}{3, data, algorithm{data.Type, nil}}), "a PKCS #12 file (.p12, .pfx): convert it by openssl pkcs12 -nodes"},
		{"PKCS #7", der(data), "a PKCS #7 container (.p7b): convert it by openssl pkcs7 -print_certs"},
		{"DER that is cut", cert[:200], "DER that is cut: 200 of "},
		{"PEM cut in its content", text[:100], "PEM that is cut: a private key without its -----END line"},
		{"PEM cut in its first line", text[:20], "PEM that is cut: something else without its -----END line"},
		{"PEM with an unknown label, cut", []byte("-----BEGIN " + secret + "-----\nAA"), "PEM that is cut: something else"},
		{"PEM with an unknown label", []byte("-----BEGIN " + secret + "-----\nAA==\n-----END " + secret + "-----\n"), "PEM with something else"},
		{"DER without a length", []byte{0x30, 0x80, 0, 0}, "4 bytes that are neither PEM nor DER of a known kind"},
		{"PEM that is indented", bytes.ReplaceAll(text, []byte("\n"), []byte("\n  ")), "PEM that is damaged: a private key"},
		{"PEM with its first line indented", append([]byte("  "), text...), "PEM that is damaged: a private key"},
		{"PEM that is no base64", []byte(begin + secret + "=*\n" + end), "PEM that is damaged: a private key"},
		{"UTF-16", []byte("\xff\xfe-\x00-\x00"), "UTF-16 text: save it as ASCII"},
		{"UTF-16, the other way", []byte("\xfe\xff\x00-\x00-"), "UTF-16 text: save it as ASCII"},
		{"a Java keystore", []byte("\xfe\xed\xfe\xed\x00\x00"), "a Java keystore: export it as PEM"},
		{"a PuTTY key", []byte("PuTTY-User-Key-File-3: x"), "a PuTTY key: export it as OpenSSL's PEM"},
		{"other text", []byte(secret), "8 bytes that are neither PEM nor DER of a known kind"},
	} {
		got := Found(file.bytes)
		if !strings.HasPrefix(got, file.want) {
			t.Errorf("%s: %q, want %q", file.name, got, file.want)
		}
		if strings.Contains(got, secret) || strings.Contains(got, "secret") {
			t.Errorf("%s: %q repeats the content", file.name, got)
		}
	}
}

// Found is called with every prefix of a key. It never panics and never repeats the content.
func TestFoundOfEveryCut(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, p := range [][]byte{der, text} {
		for n := 1; n < len(p)-len("-----END PRIVATE KEY-----\n"); n++ {
			if got := Found(p[:n]); n > len("-----BEGIN ") && !strings.Contains(got, "that is cut") {
				t.Errorf("%d of %d bytes: %q", n, len(p), got)
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
