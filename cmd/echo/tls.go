package main

import (
	"crypto/tls"
	"fmt"

	"github.com/ureactor/ureactor/internal/selfsigned"
)

// tlsConfig is what -tls, -cert and -key ask for; nil without them.
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
	if err != nil {
		return nil, fmt.Errorf("-cert %s -key %s: %w", cfg.certFile, cfg.keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}, nil
}
