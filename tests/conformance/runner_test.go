//go:build linux

package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/tests/conformance/internal/lib"
)

// smallTree has a test of each kind that the runner distinguishes, with the verdict that it must
// get.
var smallTree = map[string]struct{ source, expected, verdict string }{
	"extmod/socket_good": {"import socket\nprint(socket.AF_INET)\n", "2\n", "pass"},
	"extmod/socket_bad":  {"print(1)\n", "2\n", "FAIL"},
	"extmod/ssl_error":   {"import ssl\nssl.SSLContext()\n", "", "FAIL"},
	"extmod/tls_psk_x":   {"print('SKIP')\n", "", "skip"},
	"extmod/tls_other":   {"print('SKIP')\n", "1\n", "FAIL"}, // this test may not skip itself
	"extmod/socket_cpython": {
		"import socket\ntry:\n    socket.socket(77)\nexcept OSError as e:\n    print(e.errno)\n", "", "pass"},
	"extmod/socket_unittest": {
		"import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(b'a' + 'b', b'ab')\nunittest.main()\n", "", "pass"},
	"extmod/socket_unit_bad": {
		"import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.fail()\nunittest.main()\n", "", "FAIL"},
	"extmod/tls_sslcontext_ciphers": {"print(1)\n", "1\n", "FAIL"}, // listed as impossible, but passes
	"extmod/asyncio_heaplock":       {"print(1)\n", "2\n", "beyond"},
	"multi_net/tcp_two": {`import socket
def instance0():
    multitest.globals(IP=multitest.get_network_ip())
    s = socket.socket()
    s.bind(socket.getaddrinfo("0.0.0.0", 8000)[0][-1])
    s.listen(1)
    multitest.next()
    c, _ = s.accept()
    print(c.read(5))
    multitest.broadcast("done")
def instance1():
    multitest.next()
    s = socket.socket()
    s.connect(socket.getaddrinfo(IP, 8000)[0][-1])
    print(s.write("hello"))
    multitest.wait("done")
`, "--- instance0 ---\nb'hello'\n--- instance1 ---\n5\n", "pass"},
	"multi_net/tcp_bad": {"def instance0():\n    multitest.next()\n    1 / 0\ndef instance1():\n    print(1)\n", "--- instance0 ---\n--- instance1 ---\n1\n", "FAIL"},
}

// The runner distinguishes good tests from bad ones: by expected output, by the output of CPython,
// with unittest, and with several devices. A test may skip itself only where a feature is missing.
func TestRunnerTellsGoodFromBad(t *testing.T) {
	if !longtest.Only(t, "builds a C library and starts Python") {
		return
	}
	tree := t.TempDir()
	for name, c := range smallTree {
		path := filepath.Join(tree, "tests", name+".py")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, c.source)
		if c.expected != "" {
			write(t, path+".exp", c.expected)
		}
	}
	r := &treeRunner{Bridge: built(t), tree: tree, first: lib.Ports()}
	table := newTable()
	var all sync.WaitGroup
	for name, c := range smallTree {
		all.Go(func() {
			o := r.run("host", name)
			if o.verdict != c.verdict {
				t.Errorf("%s: %s, want %s\n%s", name, o.verdict, c.verdict, o.detail)
			}
			table.add(name[:strings.Index(name, "_")+1], "parked", name, o)
		})
	}
	all.Wait()
	if text := table.String(); !regexp.MustCompile(`extmod/socket_ +3 of 5 +0 of 0`).MatchString(text) {
		t.Errorf("the table is\n%s", text)
	}
	if names := r.tests("multi_net/tcp_"); len(names) != 2 || names[0] != "multi_net/tcp_bad" {
		t.Errorf("tests %q", names)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
