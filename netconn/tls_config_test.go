//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"errors"
	"io"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
)

// Each style of server is tried with each style of client. Each pair uses client certificates,
// GetCertificate, GetConfigForClient, ALPN and resumption. If the two sides do not agree, each gets
// one clear error.
func TestTLSConfigs(t *testing.T) {
	if !longtest.Default(t, "many handshakes") {
		return
	}
	named := certificateFor("named.example")
	both := selfsigned.Pool(named)
	both.AddCert(certificate().Leaf)
	byName := func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		switch c := certificate(); h.ServerName {
		case "named.example":
			return &named, nil
		case "localhost":
			return &c, nil
		}
		return nil, errors.New("who is " + h.ServerName)
	}
	for _, c := range []struct {
		name           string
		server, client func(*tls.Config)
		want           func(t *testing.T, server, client outcome)
	}{
		{"client certificate", func(s *tls.Config) { s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, both },
			func(c *tls.Config) { c.Certificates = []tls.Certificate{named} },
			func(t *testing.T, server, _ outcome) {
				if p := server.state.PeerCertificates; len(p) != 1 || !p[0].Equal(named.Leaf) {
					t.Errorf("the client's certificates: %d", len(p))
				}
			}},
		{"no client certificate", func(s *tls.Config) { s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, both }, nil,
			fails("tls: client didn't provide a certificate", "certificate required")},
		{"a stranger's certificate", func(s *tls.Config) { s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, both },
			func(c *tls.Config) {
				stranger := certificateFor("stranger")
				c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil }
			},
			fails("tls: failed to verify certificate", "unknown certificate authority")},
		{"certificate by name", func(s *tls.Config) { s.Certificates, s.GetCertificate = nil, byName },
			func(c *tls.Config) { c.ServerName, c.RootCAs = "named.example", both },
			func(t *testing.T, server, client outcome) {
				if p := client.state.PeerCertificates; len(p) != 1 || !p[0].Equal(named.Leaf) || server.state.ServerName != "named.example" {
					t.Errorf("asked for %q, shown another", server.state.ServerName)
				}
			}},
		{"unknown name", func(s *tls.Config) { s.Certificates, s.GetCertificate = nil, byName },
			func(c *tls.Config) { c.ServerName = "nobody.example" }, fails("who is nobody.example", "internal error")},
		{"not the server", nil, func(c *tls.Config) { c.ServerName, c.RootCAs = "named.example", both },
			fails("bad certificate", "not named.example")},
		{"configuration by name", func(s *tls.Config) {
			s.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{Certificates: []tls.Certificate{named}, NextProtos: []string{"of " + h.ServerName}}, nil
			}
		}, func(c *tls.Config) {
			c.ServerName, c.RootCAs, c.NextProtos = "named.example", both, []string{"of another", "of named.example"}
		}, negotiated("of named.example")},
		{"ALPN", func(s *tls.Config) { s.NextProtos = []string{"h2", "http/1.1"} },
			func(c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} }, negotiated("h2")},
		{"no ALPN", func(s *tls.Config) { s.NextProtos = []string{"h2"} }, nil, negotiated("")},
		{"ALPN without agreement", func(s *tls.Config) { s.NextProtos = []string{"h2"} },
			func(c *tls.Config) { c.NextProtos = []string{"spdy/3"} }, fails("unsupported application protocols", "no application protocol")},
		{"version without agreement", func(s *tls.Config) { s.MinVersion = tls.VersionTLS13 },
			func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, fails("unsupported versions", "protocol version not supported")},
	} {
		t.Run(c.name, func(t *testing.T) {
			inEachTLSPair(t, c.server, c.client, func(t *testing.T, connect func() (server, client outcome)) {
				server, client := connect()
				c.want(t, server, client)
			})
		})
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run("resumption of "+tls.VersionName(version), func(t *testing.T) {
			inEachTLSPair(t, nil, func(c *tls.Config) { c.ClientSessionCache, c.MaxVersion = tls.NewLRUClientSessionCache(1), version },
				func(t *testing.T, connect func() (server, client outcome)) {
					for i := range 3 {
						if server, client := connect(); server.state.DidResume != (i > 0) || client.state.DidResume != (i > 0) {
							t.Errorf("connection %d: server %v, %v, client %v, %v", i, server.state.DidResume, server.err, client.state.DidResume, client.err)
						}
					}
				})
		})
	}
}

// inEachTLSPair runs a test for each style of server and each style of client. connect makes a
// connection, sends hello in both directions, and returns the outcomes of both sides.
func inEachTLSPair(t *testing.T, server, client func(*tls.Config), f func(t *testing.T, connect func() (server, client outcome))) {
	for _, s := range tlsStyles {
		for _, c := range tlsStyles {
			t.Run(s.name+"/"+c.name, func(t *testing.T) {
				serverCfg, clientCfg := serverConfig(), clientConfig()
				if server != nil {
					server(serverCfg)
				}
				if client != nil {
					client(clientCfg)
				}
				at, servers := s.listen(t, serverCfg, repeat)
				f(t, func() (outcome, outcome) {
					client := <-c.dial(t, at, clientCfg, "hello", func(p []byte) []byte {
						if string(p) != "hello" {
							t.Errorf("%q comes back", p)
						}
						return nil
					})
					return <-servers, client
				})
			})
		}
	}
}

func fails(server, client string) func(*testing.T, outcome, outcome) {
	return func(t *testing.T, s, c outcome) {
		if !says(server)(s.err) {
			t.Errorf("server: %v, want %q", s.err, server)
		}
		if !says(client)(c.err) {
			t.Errorf("client: %v, want %q", c.err, client)
		}
	}
}

func negotiated(proto string) func(*testing.T, outcome, outcome) {
	return func(t *testing.T, s, c outcome) {
		if s.state.NegotiatedProtocol != proto || c.state.NegotiatedProtocol != proto || s.err != io.EOF || c.err != nil {
			t.Errorf("server %q, %v, client %q, %v; want %q", s.state.NegotiatedProtocol, s.err, c.state.NegotiatedProtocol, c.err, proto)
		}
	}
}
