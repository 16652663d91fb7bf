//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// OpenSSL's client requests new keys (TLS 1.3, commands K and k), and the connection continues.
// Then it requests another handshake (TLS 1.2, command R). That ends the connection with a clear
// error on both sides, and affects no other connection.
func TestOpenSSLClient(t *testing.T) {
	if !longtest.Only(t, "openssl as the client") {
		return
	}
	inEachTLSStyle(t, func(t *testing.T, s tlsStyle) {
		at, outcomes := s.listen(t, serverConfig(), repeat)
		other := dialTLS(t, at)
		roundTrip(t, other, "before")

		c := openSSL(t, "s_client", "-tls1_3", "-connect", at.String())
		for _, ask := range []string{"K", "k", "K"} {
			c.types(ask)
			c.tells("KEYUPDATE")
			c.types("after " + ask)
			c.tells("after " + ask)
		}
		c.types("Q")
		if o := <-outcomes; o.err != io.EOF || o.state.Version != tls.VersionTLS13 {
			t.Errorf("the end: %x, %v", o.state.Version, o.err)
		}

		c = openSSL(t, "s_client", "-tls1_2", "-connect", at.String())
		c.types("hello")
		c.tells("hello")
		c.types("R")
		c.tells("RENEGOTIATING")
		if o := <-outcomes; !says("tls: received unexpected handshake message of type *tls.clientHelloMsg")(o.err) || o.state.Version != tls.VersionTLS12 {
			t.Errorf("renegotiation: %x, %v", o.state.Version, o.err)
		}
		c.tells("alert unexpected message")
		roundTrip(t, other, "after")
	})
}

// A client of netconn is connected to OpenSSL's server. When the server requests new keys, the
// connection continues. When the server requests another handshake (command r), the client gets a
// clear error.
func TestOpenSSLServer(t *testing.T) {
	if !longtest.Only(t, "openssl as the server") {
		return
	}
	cert, key := certificateFiles(t)
	inEachTLSStyle(t, func(t *testing.T, s tlsStyle) {
		for _, version := range []string{"-tls1_3", "-tls1_2"} {
			c := openSSL(t, "s_server", version, "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", cert, "-key", key)
			_, at, _ := strings.Cut(c.tells("ACCEPT "), "ACCEPT ")
			addr, err := net.ResolveTCPAddr("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			outcomes := s.dial(t, addr, clientConfig(), "hello\n", repeat)
			c.tells("hello")
			if version == "-tls1_2" {
				c.types("r")
				if o := <-outcomes; !says("no renegotiation")(o.err) {
					t.Errorf("renegotiation: %v", o.err)
				}
				continue
			}
			for range 3 {
				c.types("K")
				c.tells("Read BLOCK") // the answer has arrived, and contains no data
				c.types("after it")
				c.tells("after it")
			}
			c.types("Q") // Q ends openssl without close_notify
			want := io.EOF
			if s.name == "WithTLS" {
				want = io.ErrUnexpectedEOF
			}
			if o := <-outcomes; o.err != want || o.state.Version != tls.VersionTLS13 {
				t.Errorf("the end: %x, %v", o.state.Version, o.err)
			}
		}
	})
}

// An opener is a process of openssl with its input and output.
type opener struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Reader
	said bytes.Buffer
}

func openSSL(t *testing.T, args ...string) *opener {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl here")
	}
	cmd := exec.Command("openssl", args...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	o := &opener{t: t, in: in, out: bufio.NewReader(r)}
	late := time.AfterFunc(long, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		r.Close()
		if t.Failed() {
			t.Logf("openssl %v: %s", args, &o.said)
		}
	})
	return o
}

// types sends a line to openssl. A line of one letter is a command.
func (o *opener) types(line string) {
	o.t.Helper()
	if _, err := io.WriteString(o.in, line+"\n"); err != nil {
		o.t.Fatal(err)
	}
}

// `tells` waits for a line of openssl's output that contains the text.
func (o *opener) tells(text string) string {
	o.t.Helper()
	for {
		line, err := o.out.ReadString('\n')
		o.said.WriteString(line)
		if strings.Contains(line, text) {
			return strings.TrimRight(line, "\n")
		}
		if err != nil {
			o.t.Fatalf("no %q: %v", text, err)
		}
	}
}

// certificateFiles writes the certificate and its key to PEM files.
func certificateFiles(t *testing.T) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(certificate().PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: certificate().Certificate[0]},
		key:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
