//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The client curl gets correct answers from the server: over HTTP/1.1 and HTTP/2, with and without
// TLS. It transfers megabytes in both directions, which a checksum verifies, and makes several
// requests on one connection.
func TestCurl(t *testing.T) {
	if !longtest.Only(t, "curl as the client") {
		return
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	features, _ := exec.Command("curl", "-V").Output()
	name := filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(name, megabytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(megabytes())
	for _, c := range []struct {
		name, scheme, proto string
		args                []string
	}{
		{"HTTP/1.1", "http", "HTTP/1.1", nil},
		{"HTTP/1.1 over TLS", "https", "HTTP/1.1", []string{"-k", "--http1.1"}},
		{"HTTP/2 over TLS", "https", "HTTP/2.0", []string{"-k", "--http2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.proto == "HTTP/2.0" && !strings.Contains(string(features), "HTTP2") {
				t.Skip("this curl has no HTTP/2")
			}
			at := c.scheme + "://" + serveSite(t, "tcp", c.scheme == "https").String()
			curl := func(args ...string) []byte {
				t.Helper()
				all := append([]string{"-sS", "--fail", "--max-time", "600"}, append(c.args, args...)...)
				cmd := exec.Command("curl", all...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("curl %v: %v: %s", all, err, &stderr)
				}
				return out
			}
			if got := string(curl(at + "/hello")); got != "hello by "+c.proto {
				t.Errorf("%q", got)
			}
			if got := string(curl("--data-binary", "@"+name, at+"/sum")); got != hex.EncodeToString(sum[:]) {
				t.Errorf("up: %s", got)
			}
			if down := sha256.Sum256(curl(at + "/noise")); down != sum {
				t.Error("down: it differs")
			}
			kept := string(curl("-w", "%{num_connects} ", at+"/hello", at+"/hello", at+"/hello"))
			if want := strings.Repeat("hello by "+c.proto, 1) + "1 "; !strings.HasPrefix(kept, want) || strings.Count(kept, "0 ") < 2 {
				t.Errorf("keep-alive: %q", kept)
			}
		})
	}
}
