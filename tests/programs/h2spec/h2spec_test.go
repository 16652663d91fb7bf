package h2spec

import (
	"crypto/tls"
	"encoding/xml"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/tests/programs/kit"
	"github.com/ureactor/ureactor/tests/programs/opaque"
)

// server returns a server of net/http that answers every request with a body.
func server() *http.Server {
	return &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(w, strings.Repeat("0123456789", 100))
	})}
}

// h2spec has the same results for net/http's server over package net, over netconn with crypto/tls,
// and over netconn's own TLS.
func TestHTTP2Conformance(t *testing.T) {
	cfg, _ := kit.TLS("h2")
	listen := func(f func(network, address string) (net.Listener, error)) net.Listener {
		l, err := f("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	var first []string
	for _, run := range []struct {
		name  string
		serve func() (net.Listener, func(net.Listener) error)
	}{
		{"net", func() (net.Listener, func(net.Listener) error) { return listen(net.Listen), overCryptoTLS(cfg) }},
		{"netconn", func() (net.Listener, func(net.Listener) error) { return listen(netconn.Listen), overCryptoTLS(cfg) }},
		{"netconn's TLS", func() (net.Listener, func(net.Listener) error) { return listen(netconn.Listen), overOurTLS(cfg) }},
	} {
		l, serve := run.serve()
		ended := make(chan error, 1)
		go func() { ended <- serve(l) }()
		cases, failed := results(t, l.Addr())
		l.Close()
		<-ended
		t.Logf("%s: %d cases, failed: %q", run.name, cases, failed)
		if first == nil {
			first = append(failed, "") // not nil
		} else if !slices.Equal(first[:len(first)-1], failed) {
			t.Errorf("over net these fail: %q\nover %s these: %q", first, run.name, failed)
		}
		if cases < 140 {
			t.Errorf("%d cases", cases)
		}
	}
}

func overCryptoTLS(cfg *tls.Config) func(net.Listener) error {
	return func(l net.Listener) error {
		s := server()
		s.TLSConfig = cfg.Clone()
		return s.ServeTLS(l, "", "")
	}
}

func overOurTLS(cfg *tls.Config) func(net.Listener) error {
	return func(l net.Listener) error {
		s := server()
		s.Protocols = &http.Protocols{} // the server uses only the protocol on which the handshake agreed
		s.Protocols.SetUnencryptedHTTP2(true)
		return s.Serve(opaque.Listener(netconn.NewTLSListener(l, cfg)))
	}
}

// results runs h2spec. It returns the number of cases and the cases that failed.
func results(t *testing.T, addr net.Addr) (cases int, failed []string) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.xml")
	_, port, _ := net.SplitHostPort(addr.String())
	out, err := exec.Command("go", "tool", "h2spec", "-t", "-k", "-o", "5", "-p", port, "-j", report).CombinedOutput()
	text, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("h2spec: %v, %v\n%s", err, readErr, out)
	}
	var suites struct {
		Suites []struct {
			Package string `xml:"package,attr"`
			Cases   []struct {
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			cases++
			if c.Failure != nil || c.Error != nil {
				failed = append(failed, s.Package+": "+c.Name)
			}
		}
	}
	return cases, failed
}
