//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
)

// With TLS, in each style: a client sends 8 MiB, half-closes, and receives 8 MiB back. Plain text
// on the same port does not affect other clients. After SIGTERM the server sends close_notify.
func TestTLS(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 2, "-tls", "-style", style, "-idle", "1h", "tcp://127.0.0.1:0", "unix://"+socketPath(t))
		for i, network := range []string{"tcp", "unix"} {
			bad := dial(t, network, s.at[i])
			bad.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
			bad.(interface{ CloseWrite() error }).CloseWrite()
			io.Copy(io.Discard, bad)

			c := tls.Client(dial(t, network, s.at[i]), &tls.Config{InsecureSkipVerify: true})
			sent := noise(longtest.Count(2, 8, 8) << 20)
			go func() {
				c.Write(sent)
				c.CloseWrite()
			}()
			if back, err := io.ReadAll(c); err != nil || !bytes.Equal(back, sent) {
				t.Errorf("%s: %d bytes back, %v", network, len(back), err)
			}
		}
		idle := tls.Client(dial(t, "tcp", s.at[0]), &tls.Config{InsecureSkipVerify: true})
		roundTrip(t, idle, "hello")
		s.signal(syscall.SIGTERM)
		if n, err := idle.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
		idle.Close()
		s.ends(0)
	})
}

// In each style the server closes a connection whose TLS handshake takes longer than -handshake.
// The client sends nothing. With -long, a connection with the limit of 1 h is still open after the
// default limit.
func TestHandshakeLimit(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-tls", "-style", style, "-handshake", "50ms", "tcp://127.0.0.1:0")
		if _, err := io.Copy(io.Discard, dial(t, "tcp", s.at[0])); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("with 50ms the connection is still open")
		}
		if !longtest.Only(t, "longer than the default limit of a handshake") {
			return
		}
		patient := dial(t, "tcp", serveAt(t, 1, "-tls", "-style", style, "-handshake", "1h", "tcp://127.0.0.1:0").at[0])
		_ = patient.SetReadDeadline(time.Now().Add(netconn.HandshakeTimeout + time.Second))
		if _, err := io.Copy(io.Discard, patient); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("with 1h the connection ended: %v", err)
		}
	})
}

// The server uses the certificate from the files that are given, and reports bad files on one line.
func TestCertificateFiles(t *testing.T) {
	c, err := selfsigned.New()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o600)
	os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)
	s := serveAt(t, 1, "-cert", cert, "-key", keyFile, "tcp://localhost:0")
	roundTrip(t, tls.Client(dial(t, "tcp", s.at[0]), &tls.Config{RootCAs: selfsigned.Pool(c), ServerName: "localhost"}), "verified")
	for want, args := range map[string][]string{
		"-cert and -key: must be given both": {"-cert", cert},
		"no such file":                       {"-cert", cert, "-key", filepath.Join(dir, "none")},
		"-tls is for streams":                {"-tls", "udp://127.0.0.1:0"},
	} {
		if line := refused(t, args...); !strings.Contains(line, want) {
			t.Errorf("%q does not say %q", line, want)
		}
	}
}

// openssl, socat and python3 work as TLS clients.
func TestTLSClients(t *testing.T) {
	if !longtest.Only(t, "openssl, socat and python3 as clients") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 1, "-tls", "-style", style, "tcp://127.0.0.1:0")
		text := strings.Repeat("some lines that come back\n", 1500)
		for name, args := range map[string][]string{
			"openssl": {"s_client", "-quiet", "-no_ign_eof", "-connect", s.at[0]},
			"socat":   {"-t", "20", "-", "OPENSSL:" + s.at[0] + ",verify=0"},
			"python3": {"-c", asyncioClient, s.at[0]},
		} {
			t.Run(name, func(t *testing.T) {
				tool(t, name)
				cmd := exec.Command(name, args...)
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				var stdout, stderr bytes.Buffer
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd.Stderr = &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				late := time.AfterFunc(6*long, func() { _ = cmd.Process.Kill() })
				defer late.Stop()
				go io.WriteString(in, text)
				_, err = io.CopyN(&stdout, out, int64(len(text)))
				_ = cmd.Process.Kill() // s_client does not end at the end of its input
				_ = cmd.Wait()         // it was killed
				if err != nil || stdout.String() != text {
					t.Errorf("%v; %d bytes of %d came back; it says %s", err, stdout.Len(), len(text), &stderr)
				}
			})
		}
	})
}

// asyncioClient sends its standard input and prints what it receives.
const asyncioClient = `
import asyncio, ssl, sys
async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    loop = asyncio.get_running_loop()
    async def send():
        while data := await loop.run_in_executor(None, sys.stdin.buffer.read1, 65536):
            writer.write(data)
            await writer.drain()
        writer.close()
    sending = asyncio.create_task(send())
    try:
        while data := await reader.read(65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    except (ConnectionError, ssl.SSLError):
        pass
    await sending
asyncio.run(main())
`
