package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// tlsConfig is what -tls, -cert and -key ask for; nil without them.
func (cfg *config) tlsConfig() (*tls.Config, error) {
	if !cfg.useTLS && cfg.certFile == "" {
		return nil, nil
	}
	if cfg.certFile == "" {
		c, err := selfSigned(time.Now())
		if err != nil {
			return nil, fmt.Errorf("-tls: %w", err)
		}
		return &tls.Config{Certificates: []tls.Certificate{c}}, nil
	}
	c, err := tls.LoadX509KeyPair(cfg.certFile, cfg.keyFile)
	if err != nil {
		return nil, fmt.Errorf("-cert %s -key %s: %w", cfg.certFile, cfg.keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}, nil
}

// selfSigned is a certificate that lives as long as the process: for localhost, and for trying things out.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "echo"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
