package pg

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

// serve starts a PostgreSQL server with TLS for this test, and returns the URL of its database.
func serve(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bin) == 0 {
		t.Skip("no PostgreSQL here: it is in Debian's package postgresql")
	}
	dir, err := os.MkdirTemp("", "pg") // only the owner may use t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as, uid, gid := account(t)
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin[len(bin)-1], name), args...)
		c.SysProcAttr, c.Dir = as, dir
		return c
	}
	own := func(path string) {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	own(dir)
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	cert, _ := kit.TLS()
	key, err := x509.MarshalPKCS8PrivateKey(cert.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{
		"server.crt": {Type: "CERTIFICATE", Bytes: cert.Certificates[0].Certificate[0]},
		"server.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
		own(path)
	}
	at := kit.FreePort(t)
	_, port, _ := net.SplitHostPort(at)
	kit.Service(t, command("postgres", "-D", data, "-p", port, "-k", dir, "-c", "ssl=on", "-c", "fsync=off", "-h", "127.0.0.1"), at)
	for c := 0; exec.Command(filepath.Join(bin[len(bin)-1], "pg_isready"), "-h", "127.0.0.1", "-p", port).Run() != nil; c++ {
		if c > 1000 {
			t.Fatal("PostgreSQL accepts no connections")
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "postgres://postgres@" + at + "/postgres"
}

// account returns the user that runs the server, because PostgreSQL refuses to run as root.
func account(t *testing.T) (as *syscall.SysProcAttr, uid, gid int) {
	t.Helper()
	if os.Getuid() != 0 {
		return nil, os.Getuid(), os.Getgid()
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, uid, gid
}
