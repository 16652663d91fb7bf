package longtest

import (
	"os"
	"path/filepath"
	"testing"
)

// SocketPath returns an unused path for a Unix socket. The path is short enough for every system.
//
// On Linux the path is in memory. On ext4 a new file costs the more time, the more files were
// deleted in the last minutes, and many tests have hundreds of sockets.
func SocketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(inMemory, "s")
	if err != nil {
		dir, err = os.MkdirTemp("", "s")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "s")
}

// inMemory is a directory that Linux keeps in memory. Other systems do not have it.
const inMemory = "/dev/shm"

// tempMost is the length up to which the directory for temporary files is used. Many tests have a
// Unix socket in a directory of t.TempDir. The path contains the name of the test, and macOS allows
// 104 bytes for all of it.
const tempMost = 16

// A long TMPDIR is replaced by /tmp, if that is possible. On macOS it has about 50 bytes.
func init() {
	if len(os.TempDir()) <= tempMost {
		return
	}
	if dir, err := os.MkdirTemp("/tmp", "s"); err == nil && os.Remove(dir) == nil {
		_ = os.Setenv("TMPDIR", "/tmp") // if it fails, such tests fail and name the path
	}
}
