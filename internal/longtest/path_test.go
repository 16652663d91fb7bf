package longtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The test starts itself with a long TMPDIR. The child finds a short one.
func TestLongTMPDIRIsReplaced(t *testing.T) {
	if os.Getenv("LONGTEST_CHILD") != "" {
		if got := os.TempDir(); got != "/tmp" {
			t.Errorf("TMPDIR is %s", got)
		}
		return
	}
	if dir, err := os.MkdirTemp("/tmp", "s"); err != nil {
		t.Skip(err)
	} else if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o777); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestLongTMPDIRIsReplaced$")
	c.Env = append(os.Environ(), "LONGTEST_CHILD=1", "TMPDIR="+long)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
