//go:build unix

package socket_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/socket"
)

// As with mbedtls, the handshake fails if the key does not belong to the certificate, or if the
// server has neither of them. Both sides return errors of TLS, and the sockets stay open.
func TestHandshakeFindsTheWrongKey(t *testing.T) {
	parked(t, func(l *lab) {
		me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
		other := issue(t, nil, &x509.Certificate{})
		for _, load := range []func(c *socket.SSLContext) error{
			func(*socket.SSLContext) error { return nil },
			func(c *socket.SSLContext) error { return c.LoadCertChainData(me.certPEM(), other.keyDER()) },
		} {
			server := sslContext(t, socket.PROTOCOL_TLS_SERVER)
			l.must(load(server))
			_, _, serverErr, clientErr := shake(l, server, clientContext(t, me), "localhost")
			for _, err := range []error{serverErr, clientErr} {
				if !errors.Is(err, syscall.EPROTO) || isValue(err) {
					t.Errorf("%v, want an error of TLS", err)
				}
			}
		}
	})
}

// On both sides, the errors of a handshake have mbedtls's numbers and texts, because MicroPython's
// tests compare these. If WrapSocket fails, the socket stays open.
func TestErrorsAreThoseOfMbedTLS(t *testing.T) {
	const alert, noCert, eof, version = -30592, -29824, -29312, -28288
	parked(t, func(l *lab) {
		cn := func(name string) *x509.Certificate { return &x509.Certificate{Subject: pkix.Name{CommonName: name}} }
		me, other := issue(t, nil, cn("micropython.local")), issue(t, nil, cn("micropython.local"))
		old, young := cn("micropython.local"), cn("micropython.local")
		old.NotAfter = time.Now().Add(-time.Hour)
		young.NotBefore, young.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		oldOne, youngOne := issue(t, nil, old), issue(t, nil, young)
		renewed := issue(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Minute)})
		oldLeaf := issue(t, renewed, old)
		const expired = "\nThe certificate validity has expired\n"
		const name = "\nThe certificate Common Name (CN) does not match with the expected CN\n"
		const untrusted = "\nThe certificate is not correctly signed by the trusted CA\n"
		for _, c := range []struct {
			what, host      string
			server, trusted *identity
			info            string
		}{
			{"another name", "foobar.local", me, me, name},
			{"expired", "micropython.local", oldOne, oldOne, expired},
			{"expired before its authority was renewed", "micropython.local", oldLeaf, renewed, expired},
			{"from the future", "micropython.local", youngOne, youngOne, "\nThe certificate validity starts in the future\n"},
			{"untrusted", "micropython.local", me, other, untrusted},
			{"all of it", "foobar.local", oldOne, me, expired + name + untrusted},
		} {
			_, _, serverErr, clientErr := shake(l, serverContext(t, c.server), clientContext(t, c.trusted), c.host)
			var verify *socket.VerifyError
			if !errors.As(clientErr, &verify) || verify.Info() != c.info || !isValue(clientErr) || !errors.Is(clientErr, syscall.EPROTO) {
				t.Errorf("%s: %v", c.what, clientErr)
			}
			sslNumber(t, c.what, serverErr, alert, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE")
		}

		server := serverContext(t, me)
		l.must(server.SetVerifyMode(socket.CERT_REQUIRED))
		_, b := l.pair()
		if _, err := server.WrapSocket(b, socket.SSLWrap{ServerSide: true}); !isValue(err) {
			t.Errorf("a server that requires what it cannot check: %v", err)
		}
		l.must(server.LoadVerifyLocations("", me.certPEM()))
		client := clientContext(t, me)
		l.must(client.SetCiphers(twelve(client)))
		_, _, serverErr, clientErr := shake(l, server, client, "micropython.local")
		sslNumber(t, "no certificate of the client", serverErr, noCert, "MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE")
		sslNumber(t, "the same", clientErr, alert, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE")

		wrongUse := issue(t, nil, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		l.must(client.LoadCertChainData(wrongUse.certPEM(), wrongUse.keyDER()))
		l.must(server.LoadVerifyLocations("", wrongUse.certPEM())) // the authorities of both calls count
		_, _, serverErr, _ = shake(l, server, client, "micropython.local")
		var verify *socket.VerifyError
		if !errors.As(serverErr, &verify) || verify.Info() != "\nUsage does not match the extendedKeyUsage extension\n" {
			t.Errorf("a server's certificate as the client's: %v", serverErr)
		}
		l.must(client.LoadCertChainData(me.certPEM(), me.keyDER()))
		_, _, serverErr, clientErr = shake(l, server, client, "micropython.local")
		l.must(errors.Join(serverErr, clientErr))

		a, b := l.pair()
		l.must(a.Close())
		_, err := serverContext(t, me).WrapSocket(b, socket.SSLWrap{ServerSide: true})
		sslNumber(t, "a peer that is gone", err, eof, "MBEDTLS_ERR_SSL_CONN_EOF")
		if b.Fileno() < 0 {
			t.Error("WrapSocket has closed the socket")
		}
		a, b = l.pair()
		l.send(a, "fooba")
		_, err = client.WrapSocket(b, socket.SSLWrap{ServerHostname: "x"})
		sslNumber(t, "no TLS", err, -29184, "MBEDTLS_ERR_SSL_INVALID_RECORD")
		_, err = client.WrapSocket(a, socket.SSLWrap{})
		if !isValue(err) || !strings.HasSuffix(err.Error(), ": CERT_REQUIRED requires server_hostname") {
			t.Errorf("no name: %v", err)
		}
	})
}

func sslNumber(t *testing.T, what string, err error, want int, text string) {
	t.Helper()
	var e *socket.OSError
	var named interface{ Text() string }
	if !errors.As(err, &e) || e.Errno != want || !errors.As(err, &named) || named.Text() != text || !errors.Is(err, syscall.EPROTO) {
		t.Errorf("%s: %v, want %d, %s", what, err, want, text)
	}
}

// After a call has returned an error of TLS, each later call returns that error too. Only the first
// one reports what is wrong with the peer's certificate.
func TestErrorOfTLSStays(t *testing.T) {
	parked(t, func(l *lab) {
		a, b := l.pair()
		client := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
		l.must(client.SetVerifyMode(socket.CERT_NONE))
		s, err := client.WrapSocket(b, socket.SSLWrap{DeferHandshake: true})
		l.must(err)
		l.send(a, "fooba")
		for range 2 {
			_, err := s.ReadSize(5)
			sslNumber(t, "read", err, -29184, "MBEDTLS_ERR_SSL_INVALID_RECORD")
			_, err = s.Write([]byte("x"))
			sslNumber(t, "write", err, -29184, "MBEDTLS_ERR_SSL_INVALID_RECORD")
		}
		l.must(s.Close())
		_, err = s.ReadSize(5)
		l.errno(err, syscall.EBADF)

		me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
		a, b = l.pair()
		join := l.beside(func(*lab) {
			// The client refuses the certificate. Only the client's error is checked.
			_, _ = serverContext(t, me).WrapSocket(a, socket.SSLWrap{ServerSide: true})
		})
		s, err = clientContext(t, me).WrapSocket(b, socket.SSLWrap{ServerHostname: "another", DeferHandshake: true})
		l.must(err)
		if _, err := s.Write([]byte("x")); !errors.As(err, new(*socket.VerifyError)) {
			t.Errorf("another name: %v", err)
		}
		_, err = s.Write([]byte("x"))
		sslNumber(t, "after a refused certificate", err, -9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED")
		join()
		// Alert 10 is this side's answer to an alert of a wrong length.
		a, b = l.pair()
		l.send(a, "\x15\x03\x03\x00\x01x")
		_, err = client.WrapSocket(b, socket.SSLWrap{})
		sslNumber(t, "an alert of one byte", err, -30464, "MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE")
	})
}

// The verify callback gets each certificate of the chain, the peer's one last, whether the chain is
// trusted or not. If it returns a number, the handshake fails, also with CERT_OPTIONAL. With
// CERT_NONE it is not called.
func TestVerifyCallbackSeesTheChain(t *testing.T) {
	parked(t, func(l *lab) {
		ca := issue(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "ca"}})
		middle := issue(t, ca, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "m"}})
		leaf := issue(t, middle, &x509.Certificate{DNSNames: []string{"localhost"}})
		server := sslContext(t, socket.PROTOCOL_TLS_SERVER)
		l.must(server.LoadCertChainData(join(leaf.certPEM(), middle.certPEM()), leaf.keyDER()))
		for _, c := range []struct {
			mode    int
			trusted *identity
			answer  int
			want    []*identity
			failure bool
		}{
			{socket.CERT_REQUIRED, ca, 0, []*identity{ca, middle, leaf}, false},
			{socket.CERT_OPTIONAL, nil, 0, []*identity{middle, leaf}, false},
			{socket.CERT_OPTIONAL, leaf, 0, []*identity{leaf}, false},
			{socket.CERT_OPTIONAL, nil, 1, []*identity{middle}, true},
			{socket.CERT_REQUIRED, ca, 1, []*identity{ca}, true},
			{socket.CERT_NONE, ca, 1, nil, false},
		} {
			client := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
			if c.trusted != nil {
				l.must(client.LoadVerifyLocations("", c.trusted.certPEM()))
			}
			l.must(client.SetVerifyMode(c.mode))
			var seen []string
			var depths []int
			client.SetVerifyCallback(func(cert []byte, depth int) int {
				seen, depths = append(seen, string(cert)), append(depths, depth)
				return c.answer
			})
			_, _, _, err := shake(l, server, client, "localhost")
			if c.failure {
				sslNumber(t, "refused by the callback", err, 1, "MBEDTLS_ERR_ERROR_GENERIC_ERROR")
			} else if err != nil {
				t.Error(err)
			}
			for i, id := range c.want {
				if len(seen) != len(c.want) || seen[i] != string(id.cert.Raw) || !c.failure && depths[i] != len(c.want)-1-i {
					t.Errorf("mode %d: %d certificates at %v, want %d", c.mode, len(seen), depths, len(c.want))
					break
				}
			}
			if len(c.want) == 0 && len(seen) != 0 {
				t.Error("called with CERT_NONE")
			}
		}
	})
}
