//go:build linux || darwin || freebsd

package eviocompat

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// original builds one of evio's examples from the module cache, with this package as its import.
func original(t *testing.T, name string) string {
	longtest.NeedsGo(t)
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tidwall/evio").Output()
	if err != nil {
		t.Skipf("no module cache and no way to fill it: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "examples", name, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	const old, ours = `"github.com/tidwall/evio"`, `evio "github.com/ureactor/ureactor/eviocompat"`
	if strings.Count(string(text), old) != 1 {
		t.Fatalf("%s does not import evio once", name)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	main, list, bin := filepath.Join(tmp, "main.go"), filepath.Join(tmp, "overlay.json"), filepath.Join(tmp, name)
	over, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, "original", "main.go"): main}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{main: strings.Replace(string(text), old, ours, 1), list: string(over)} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-overlay", list, "-o", bin, "./original").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// run starts the program at a free port until the test ends. It returns the address.
func run(t *testing.T, bin, network string, args ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	cmd := exec.Command(bin, append(args, "-port", fmt.Sprint(port))...)
	cmd.Stderr = io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	at := fmt.Sprint("127.0.0.1:", port)
	for until := time.Now().Add(longtest.Guard); network == "tcp"; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", at); err == nil {
			c.Close()
			break
		}
		if time.Now().After(until) {
			t.Fatal("it does not listen")
		}
	}
	return at
}

// evio's own echo and http servers work with all their flags after a change of only the import.
// (Its redis server needs one more module. examples/redis covers what it does.)
func TestEvioOwnExamples(t *testing.T) {
	if !longtest.Only(t, "builds and runs evio's example servers") {
		return
	}
	echo, web := original(t, "echo-server"), original(t, "http-server")
	for _, flags := range [][]string{nil, {"-loops", "3"}, {"-loops", "-1", "-reuseport"}, {"-stdlib"}, {"-udp"}, {"-udp", "-loops", "2", "-reuseport"}} {
		network := "tcp"
		if len(flags) > 0 && flags[0] == "-udp" {
			network = "udp"
		}
		at := run(t, echo, network, flags...)
		ok := false
		for until := time.Now().Add(longtest.Guard); !ok && time.Now().Before(until); {
			c, err := net.Dial(network, at)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			io.WriteString(c, "hello")
			p := make([]byte, 5)
			_, err = io.ReadFull(c, p) // a datagram that came before the server is lost
			ok = err == nil && string(p) == "hello"
			c.Close()
		}
		if !ok {
			t.Errorf("echo %v does not answer", flags)
		}
	}
	for _, flags := range [][]string{nil, {"-loops", "3", "-noparse=false"}, {"-stdlib", "-aaaa"}} {
		at := run(t, web, "tcp", flags...)
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(flags, err)
		}
		_ = c.SetDeadline(time.Now().Add(longtest.Guard))
		in := bufio.NewReader(c)
		for range 10 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			status, header, body, err := answer(in)
			want := "Hello World!\r\n"
			if len(flags) > 1 && flags[1] == "-aaaa" {
				want = strings.Repeat("a", 1024)
			}
			if err != nil || status != "HTTP/1.1 200 OK" || body != want || header.Get("Server") != "evio" {
				t.Fatalf("http %v: %q, %q, %v, %v", flags, status, body, header, err)
			}
		}
		c.Close()
	}
}

// answer reads the answer to a request. Package net/http can do this too, but with it the test
// binary takes longer to link.
func answer(in *bufio.Reader) (status string, header textproto.MIMEHeader, body string, err error) {
	lines := textproto.NewReader(in)
	if status, err = lines.ReadLine(); err != nil {
		return "", nil, "", err
	}
	if header, err = lines.ReadMIMEHeader(); err != nil {
		return "", nil, "", err
	}
	n, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		return "", nil, "", err
	}
	p := make([]byte, n)
	_, err = io.ReadFull(in, p)
	return status, header, string(p), err
}
