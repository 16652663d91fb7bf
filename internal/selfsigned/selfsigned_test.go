package selfsigned

import (
	"crypto/x509"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
)

// A client accepts the certificate for every name and address that was passed to New. It does not
// accept the certificate for others.
func TestNamesAndAddresses(t *testing.T) {
	for _, names := range [][]string{nil, {"127.0.0.1"}, {"a.test", "::1", "10.0.0.1"}} {
		c, err := New(names...)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 0 {
			names = []string{"localhost", "127.0.0.1", "::1"}
		}
		for _, name := range names {
			if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: Pool(c), DNSName: name}); err != nil {
				t.Errorf("%q, made for %q: %v", name, names, err)
			}
		}
		if err := c.Leaf.VerifyHostname("192.0.2.1"); err == nil {
			t.Errorf("an address that is not in %q is accepted", names)
		}
	}
}
