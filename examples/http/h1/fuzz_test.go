//go:build unix

package h1

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// FuzzPieces sends the same bytes to two servers, one of which makes short reads and writes. The
// answers are the same, and both connections end.
func FuzzPieces(f *testing.F) {
	file := filepath.Join(f.TempDir(), "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("0123456789", 2000)), 0o600); err != nil {
		f.Fatal(err)
	}
	if !testing.Short() {
		for text := range refusals {
			f.Add([]byte("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"+text), uint64(len(text)))
		}
	}
	for _, text := range []string{
		"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=5-15000\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhelloHEAD /file HTTP/1.0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nz",
		"GET /file HTTP/1.1\r\nHost: a\r\n\r\nGET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=-1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(text), uint64(len(text)))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		whole, broken := answers(t, seed, sim.Faults{}, file, data)
		pieces, broken2 := answers(t, seed, sim.Faults{ShortRead: 60 * sim.Percent, ShortWrite: 30 * sim.Percent}, file, data)
		if broken != broken2 || !broken && whole != pieces {
			t.Fatalf("seed %d: %q\nat once:   %s, broken %v\nin pieces: %s, broken %v", seed, data, whole, broken, pieces, broken2)
		}
	})
}

// answers returns the answers to data as text. If the connection ended with a reset, broken is
// true.
func answers(t *testing.T, seed uint64, faults sim.Faults, file string, data []byte) (text string, broken bool) {
	w := sim.New(seed, sim.Options{Buffer: 1 << 20, Faults: faults})
	defer w.Close()
	site := testSite()
	site.File = file
	var got []byte
	var failed error
	done := false
	boot := func(addr string, begin func(r *reactor.Reactor)) {
		h := w.Host(addr)
		h.Boot("main", func() {
			r, err := reactor.New(reactor.WithKernel(h))
			if err != nil {
				panic(err)
			}
			begin(r)
			_ = r.Run(context.Background())
		})
	}
	boot("10.0.0.1", func(r *reactor.Reactor) {
		if _, err := r.Listen("tcp", ":80", site.Accept, Limits); err != nil {
			panic(err)
		}
	})
	boot("10.0.0.2", func(r *reactor.Reactor) {
		r.Go(func(task *reactor.Task) {
			defer func() { done = true; r.Close() }()
			_ = task.Sleep(time.Second)
			c, err := netconn.On(r).Dial("tcp", "10.0.0.1:80")
			if failed = err; err != nil {
				return
			}
			defer c.Close()
			if _, failed = c.Write(data); failed == nil {
				failed = c.(*netconn.Conn).CloseWrite()
			}
			if failed == nil {
				got, failed = io.ReadAll(c)
			}
		})
	})
	if err := w.RunUntil(func() bool { return done }, time.Hour); err != nil {
		t.Fatal(err)
	}
	return parseAnswers(got, data), failed != nil
}

// parseAnswers lists status and body of each answer. It leaves out the sizes of chunks and 100
// Continue, because they depend on when the input arrives.
func parseAnswers(got, data []byte) string {
	got = bytes.ReplaceAll(got, []byte("HTTP/1.1 100 Continue\r\n\r\n"), nil)
	in := bufio.NewReader(bytes.NewReader(got))
	var text strings.Builder
	for {
		var request *http.Request
		if bytes.Contains(data, []byte("HEAD")) {
			request = &http.Request{Method: "HEAD"} // no body; the rest is compared unparsed
		}
		a, err := http.ReadResponse(in, request)
		if err != nil {
			fmt.Fprintf(&text, "then %d bytes", in.Buffered())
			return text.String()
		}
		body, err := io.ReadAll(a.Body)
		fmt.Fprintf(&text, "%s %q %v; ", a.Status, body, err)
	}
}
