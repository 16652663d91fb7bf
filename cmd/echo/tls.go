package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/ureactor/ureactor/internal/secure"
	"github.com/ureactor/ureactor/internal/selfsigned"
)

// tlsConfig returns the TLS configuration for -tls, -cert and -key, or nil without them.
func (cfg *config) tlsConfig() (*tls.Config, error) {
	if !cfg.useTLS && cfg.certFile == "" {
		return nil, nil
	}
	if cfg.certFile == "" {
		c, err := selfsigned.New()
		if err != nil {
			return nil, fmt.Errorf("-tls: %w", err)
		}
		return &tls.Config{Certificates: []tls.Certificate{c}}, nil
	}
	c, err := tls.LoadX509KeyPair(cfg.certFile, cfg.keyFile)
	for i := 1; err == nil && i < len(c.Certificate); i++ {
		// crypto/tls checks only the first certificate.
		_, err = x509.ParseCertificate(c.Certificate[i])
	}
	if err != nil {
		return nil, fmt.Errorf("-cert %s (%s) -key %s (%s): %w", cfg.certFile, contents(cfg.certFile), cfg.keyFile, contents(cfg.keyFile), err)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}, nil
}

// contents returns the kind of data in a file, for an error.
func contents(file string) string {
	p, err := os.ReadFile(file)
	if err != nil {
		return "not read"
	}
	return secure.Found(p)
}
