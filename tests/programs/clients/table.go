package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A measured row has the results of each stack, with one result for each round.
type measured struct {
	row
	all map[string][]result
}

type table struct {
	began   time.Time
	rows    []measured
	missing []string
	wrong   []string // rows whose result over netconn differs
}

// text returns the table: first the results, then the rates.
func (t *table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, Linux %s, %d processors with a load of %s;\n%s.\n\n", t.began.Format(time.DateOnly), runtime.Version(),
		first("/proc/sys/kernel/osrelease"), runtime.NumCPU(), first("/proc/loadavg"), strings.Join(versions(t.rows), ", "))
	if t.missing != nil {
		slices.Sort(t.missing)
		fmt.Fprintf(&b, "Not run, because the program is missing: %s.\n\n", strings.Join(slices.Compact(t.missing), ", "))
	}
	fmt.Fprint(&b, "| client | over package net | over netconn | netconn's TLS |\n|---|---|---|---|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s |", r.name)
		over := r.all[r.stacks[0]][0].says
		for _, stack := range secure {
			switch {
			case !slices.Contains(r.stacks, stack):
				fmt.Fprint(&b, " – |")
			case stack == r.stacks[0]:
				fmt.Fprintf(&b, " %s |", short(over))
			default:
				fmt.Fprintf(&b, " %s |", t.compared(r, stack, over))
			}
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprint(&b, "\nRates as ratios to package net: requests/s, where more is better, and the server's CPU for each\nrequest, where less is better.\n\n")
	fmt.Fprint(&b, "| client | requests/s | CPU | TLS: requests/s | TLS: CPU |\n|---|---|---|---|---|\n")
	for _, r := range t.rows {
		if base := r.all[r.stacks[0]]; base[0].requests > 0 {
			fmt.Fprintf(&b, "| %s |", r.name)
			for _, stack := range secure[1:] {
				if of := r.all[stack]; of == nil {
					fmt.Fprint(&b, " – | – |")
				} else {
					fmt.Fprintf(&b, " %.2f | %.2f |", median(of, rate)/median(base, rate), median(of, each)/median(base, each))
				}
			}
			fmt.Fprintln(&b)
		}
	}
	return b.String()
}

// compared returns the table's text for a stack: whether its results equal the first result over
// package net.
func (t *table) compared(r measured, stack, want string) string {
	for _, got := range r.all[stack] {
		if got.says == want {
			continue
		}
		t.wrong = append(t.wrong, fmt.Sprintf("%s over %s:\n%s", r.name, stack, difference(want, got.says)))
		return "**" + short(got.says) + "**"
	}
	return "the same"
}

// short shortens a result for the table. If the result has many lines, short returns their number.
func short(says string) string {
	if n := strings.Count(says, "\n"); n > 0 {
		return fmt.Sprintf("%d findings", n+1)
	}
	return says
}

// difference returns the lines that only one of two texts contains.
func difference(want, got string) string {
	var b strings.Builder
	a, c := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range a {
		if !slices.Contains(c, l) {
			fmt.Fprintf(&b, "  net:     %s\n", l)
		}
	}
	for _, l := range c {
		if !slices.Contains(a, l) {
			fmt.Fprintf(&b, "  netconn: %s\n", l)
		}
	}
	return b.String()
}

func rate(r result) float64 { return float64(r.requests) / r.took.Seconds() }
func each(r result) float64 { return float64(r.cpu) / float64(r.requests) }

func median(of []result, f func(result) float64) float64 {
	var v []float64
	for _, r := range of {
		v = append(v, f(r))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// versions returns the versions of Debian's packages.
func versions(rows []measured) (list []string) {
	debian := map[string]string{"h2load": "nghttp2-client", "testssl": "testssl.sh"}
	for _, r := range rows {
		name := r.needs
		if d, ok := debian[name]; ok {
			name = d
		}
		out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
		if err != nil {
			out = []byte("of unknown version")
		}
		if v := name + " " + string(out); !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// first returns the first word of a file.
func first(file string) string {
	text, err := os.ReadFile(file)
	if words := bytes.Fields(text); err == nil && len(words) > 0 {
		return string(words[0])
	}
	return "?"
}

// replace replaces the text between the markers in a file.
func replace(file, text string) error {
	const begin, end = "<!-- clients table: begin", "<!-- clients table: end"
	was, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	from, to := bytes.Index(was, []byte(begin)), bytes.Index(was, []byte(end))
	if from < 0 || to < from {
		return fmt.Errorf("%s has no lines %q and %q", file, begin, end)
	}
	from += bytes.IndexByte(was[from:], '\n') + 1
	return os.WriteFile(file, slices.Concat(was[:from], []byte(strings.TrimSpace(text)+"\n"), was[to:]), 0o644)
}

// certificate writes the key and the certificate that all servers use.
func certificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
