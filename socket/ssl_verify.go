package socket

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A verifier checks the peer's certificate as mbedtls does: the chain, the name and the callback.
type verifier struct {
	mode     int
	server   bool           // this side is the server
	trusted  *x509.CertPool // nil for the authorities of the system
	roots    []*x509.Certificate
	host     string // "" for any name
	callback func(cert []byte, depth int) int
}

// newVerifier makes a verifier from the present settings.
func (c *SSLContext) newVerifier() *verifier {
	v := &verifier{mode: c.mode, server: c.protocol == PROTOCOL_TLS_SERVER, roots: c.trusted, callback: c.callback}
	if v.roots != nil {
		v.trusted = x509.NewCertPool()
		for _, cert := range v.roots {
			v.trusted.AddCert(cert)
		}
	}
	return v
}

var errNoClientCert = errors.New("tls: the client sent no certificate")

// A callbackError is the number that a verify callback has returned.
type callbackError int

func (e callbackError) Error() string {
	return fmt.Sprintf("tls: the verify callback returned %d", int(e))
}

// verify is the function for VerifyConnection of a tls.Config.
func (v *verifier) verify(st tls.ConnectionState) error {
	if len(st.PeerCertificates) == 0 {
		// Only a client may have no certificate. crypto/tls refuses a server without one.
		if v.mode == CERT_REQUIRED {
			return errNoClientCert
		}
		return nil
	}
	chain, flags, err := v.check(st.PeerCertificates)
	if v.callback != nil {
		for depth := len(chain) - 1; depth >= 0; depth-- {
			if n := v.callback(chain[depth].Raw, depth); n != 0 {
				return callbackError(n)
			}
		}
	}
	if flags == 0 || v.mode != CERT_REQUIRED {
		return nil
	}
	return &refusal{flags, &tls.CertificateVerificationError{UnverifiedCertificates: st.PeerCertificates, Err: err}}
}

// A refusal becomes a VerifyError when it is known which call returns it.
type refusal struct {
	flags int
	err   error
}

func (e *refusal) Error() string { return e.err.Error() }

// check returns the chain, which begins with the peer's certificate, the flags of all errors, and
// the first error.
func (v *verifier) check(sent []*x509.Certificate) (chain []*x509.Certificate, flags int, err error) {
	leaf := sent[0]
	opts := x509.VerifyOptions{Roots: v.trusted, Intermediates: x509.NewCertPool(), CurrentTime: time.Now()}
	for _, c := range sent[1:] {
		opts.Intermediates.AddCert(c)
	}
	if v.server {
		opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	chains, err := leaf.Verify(opts)
	switch {
	case err == nil:
		chain = chains[0]
	default:
		chain = v.issuers(sent)
		flags = flagOf(err, opts.CurrentTime)
		if flags&badTime != 0 && !opts.CurrentTime.Equal(within(leaf, opts.CurrentTime)) {
			// x509 stops at an expired certificate. mbedtls also reports whether the chain is
			// trusted. So the chain is verified again, for a time at which the certificate is
			// valid.
			opts.CurrentTime = within(leaf, opts.CurrentTime)
			if _, err := leaf.Verify(opts); err != nil {
				// The authority may not have been valid at that time.
				flags |= flagOf(err, opts.CurrentTime) &^ badTime
			}
		}
	}
	if v.host != "" {
		if e := verifyName(leaf, v.host); e != nil {
			if flags |= badName; err == nil {
				err = e
			}
		}
	}
	return chain, flags, err
}

// within returns the time nearest to `now` at which the certificate is valid.
func within(c *x509.Certificate, now time.Time) time.Time {
	switch {
	case now.Before(c.NotBefore):
		return c.NotBefore
	case now.After(c.NotAfter):
		return c.NotAfter
	}
	return now
}

// maxChain limits the chain for the callback. mbedtls has the same limit.
const maxChain = 9

// issuers returns the certificates upward by their signatures, if no chain is valid.
func (v *verifier) issuers(sent []*x509.Certificate) []*x509.Certificate {
	chain := sent[:1:1]
	rest := append(append([]*x509.Certificate(nil), v.roots...), sent[1:]...)
	for len(chain) < maxChain {
		last, before := chain[len(chain)-1], len(chain)
		for i, c := range rest {
			if !c.Equal(last) && string(c.RawSubject) == string(last.RawIssuer) && last.CheckSignatureFrom(c) == nil {
				chain, rest = append(chain, c), append(rest[:i:i], rest[i+1:]...)
				break
			}
		}
		if len(chain) == before {
			break
		}
	}
	return chain
}

// The flags of a VerifyError, with the values of mbedtls.
const (
	badExpired    = 1
	badName       = 4
	badNotTrusted = 8
	badFuture     = 0x200
	badKeyUsage   = 0x1000
	badOther      = 0x100

	badTime = badExpired | badFuture
)

var flagTexts = []struct {
	flag int
	text string
}{
	{badExpired, "The certificate validity has expired"},
	{badName, "The certificate Common Name (CN) does not match with the expected CN"},
	{badNotTrusted, "The certificate is not correctly signed by the trusted CA"},
	{badOther, "Other reason (can be used by verify callback)"},
	{badFuture, "The certificate validity starts in the future"},
	{badKeyUsage, "Usage does not match the extendedKeyUsage extension"},
}

func flagOf(err error, now time.Time) int {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return badNotTrusted
	case !errors.As(err, &invalid):
		return badOther
	case invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		return badFuture
	case invalid.Reason == x509.Expired:
		return badExpired
	case invalid.Reason == x509.IncompatibleUsage:
		return badKeyUsage
	case invalid.Reason == x509.NotAuthorizedToSign, invalid.Reason == x509.TooManyIntermediates:
		return badNotTrusted
	}
	return badOther
}

var (
	oidAltName    = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// verifyName checks the name of the host. The common name of the subject counts only if the
// certificate has no alternative names.
func verifyName(c *x509.Certificate, host string) error {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidAltName) {
			return c.VerifyHostname(host)
		}
	}
	for _, a := range c.Subject.Names {
		if name, ok := a.Value.(string); ok && a.Type.Equal(oidCommonName) && matches(name, host) {
			return nil
		}
	}
	return fmt.Errorf("x509: the certificate is valid for CN %q, not for %q", c.Subject.CommonName, host)
}

// matches compares names without regard to case. If name begins with "*.", the star matches one
// label of host.
func matches(name, host string) bool {
	if strings.EqualFold(name, host) {
		return true
	}
	rest, wild := strings.CutPrefix(name, "*")
	dot := strings.IndexByte(host, '.')
	return wild && strings.HasPrefix(rest, ".") && dot > 0 && strings.EqualFold(rest, host[dot:])
}
