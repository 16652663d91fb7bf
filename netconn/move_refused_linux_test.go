package netconn_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/seccomp"
)

// If a sandbox refuses sendfile or splice with any errno, the bytes are copied instead.
func TestRefusedMovesCopy(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	for call, source := range map[uintptr]string{unix.SYS_SENDFILE: "file", unix.SYS_SPLICE: "connection", unix.SYS_PIPE2: "connection"} {
		for _, e := range seccomp.Errnos {
			seccomp.Denied(t, call, e, func(t *testing.T) {
				sent := bytes.Repeat([]byte("moved"), 10_000)
				var from io.Reader
				if source == "file" {
					path := filepath.Join(t.TempDir(), "f")
					if err := os.WriteFile(path, sent, 0o600); err != nil {
						t.Fatal(err)
					}
					f, err := os.Open(path)
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					from = f
				} else {
					b, a := connected(t)
					go func() {
						a.Write(sent)
						a.Close()
					}()
					from = b
				}
				c, d := connected(t)
				got := make(chan []byte)
				go func() {
					p, _ := io.ReadAll(d)
					got <- p
				}()
				n, err := io.Copy(c, from)
				c.Close()
				if p := <-got; err != nil || n != int64(len(sent)) || !bytes.Equal(p, sent) {
					t.Errorf("%s: copied %d of %d bytes, %v; %d came", source, n, len(sent), err, len(p))
				}
			})
		}
	}
}
