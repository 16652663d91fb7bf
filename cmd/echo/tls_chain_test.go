package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/ureactor/ureactor/internal/selfsigned"
)

// A certificate file is refused if its second part is the private key and not a certificate.
// crypto/tls would send this part to each client.
func TestEachLinkOfTheChainIsACertificate(t *testing.T) {
	c, err := selfsigned.New()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(typ string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}) }
	good, private := block("CERTIFICATE", c.Certificate[0]), block("PRIVATE KEY", key)
	dir := t.TempDir()
	cfg := &config{certFile: filepath.Join(dir, "cert"), keyFile: filepath.Join(dir, "key")}
	for _, p := range []struct {
		name  string
		chain []byte
		ok    bool
	}{
		{"one link", good, true},
		{"two links", bytes.Join([][]byte{good, good}, nil), true},
		{"a key as a link", append(bytes.Clone(good), block("CERTIFICATE", key)...), false},
	} {
		if err := os.WriteFile(cfg.certFile, p.chain, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cfg.keyFile, private, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cfg.tlsConfig(); (err == nil) != p.ok {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}
