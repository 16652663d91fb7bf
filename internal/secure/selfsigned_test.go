package secure

import (
	"crypto/x509"
	"testing"

	"github.com/ureactor/ureactor/internal/selfsigned"
)

// The test of package internal/selfsigned is here, because a test binary takes longer to link than
// to run. A client accepts a certificate for every name and address that was passed to New. It does
// not accept the certificate for others.
func TestNamesAndAddressesOfACertificate(t *testing.T) {
	for _, names := range [][]string{nil, {"127.0.0.1"}, {"a.test", "::1", "10.0.0.1"}} {
		c, err := selfsigned.New(names...)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 {
			names = []string{"localhost", "127.0.0.1", "::1"}
		}
		for _, name := range names {
			if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: selfsigned.Pool(c), DNSName: name}); err != nil {
				t.Errorf("%q, made for %q: %v", name, names, err)
			}
		}
		if err := c.Leaf.VerifyHostname("192.0.2.1"); err == nil {
			t.Errorf("an address that is not in %q is accepted", names)
		}
	}
}
