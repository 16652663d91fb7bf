//go:build unix

package h1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A body is echoed unchanged, with a length or in chunks, of any size, and while the client still
// sends it.
func TestEcho(t *testing.T) {
	at := serve(t, 1)
	client := &http.Client{Transport: &http.Transport{}, Timeout: longtest.Guard}
	defer client.CloseIdleConnections()
	for _, size := range []int{0, 1, 1000, 100_000, longtest.Count(300_000, 3_000_000, 30_000_000)} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7)
		}
		for _, chunked := range []bool{false, true} {
			var body io.Reader = bytes.NewReader(want)
			if chunked {
				body = struct{ io.Reader }{body}
			}
			res, err := client.Post("http://"+at+"/echo", "", body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || !bytes.Equal(got, want) || (res.ContentLength < 0) != chunked {
				t.Errorf("%d bytes, chunked %v: %d came back, length %d, %v", size, chunked, len(got), res.ContentLength, err)
			}
		}
	}
}

// Chunks that arrive byte by byte, with extensions and trailers, form one body. Then the next
// request of the pipeline is answered.
func TestChunksInPieces(t *testing.T) {
	text := "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"5;name=\"a value\"\r\nhello\r\nA\r\n, chunks! \r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n" +
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	c := dial(t, serve(t, 1))
	go func() {
		for i := range text {
			io.WriteString(c, text[i:i+1])
		}
	}()
	in := bufio.NewReader(c)
	for _, want := range []string{"hello, chunks! ", greeting} {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// The lines with the sizes of chunks count towards the limit of a body. So the limit also holds for
// extensions.
func TestChunkExtensionsCountAsBody(t *testing.T) {
	line := []byte("1;" + strings.Repeat("x", maxChunkLine-3))
	var b body
	for n := 0; n <= maxBody; n += len(line) {
		b.state = chunkSize
		if no := b.control(line); no == bodyLarge {
			return
		} else if no != "" {
			t.Fatal(no)
		}
	}
	t.Errorf("%d bytes of extensions, and %d of a body: not refused", maxBody, b.total)
}

// A body may be cut off, or may break off with a bad chunk. Its echo then must not look complete.
func TestABrokenBodyHasNoWholeEcho(t *testing.T) {
	at := serve(t, 1)
	for _, head := range []string{"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nbad!\r\n"} {
		c := dial(t, at)
		fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: a\r\n%s", head)
		if !strings.HasSuffix(head, "bad!\r\n") {
			c.(interface{ CloseWrite() error }).CloseWrite()
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			continue // the connection was aborted before
		}
		if got, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%q: the echo %q looks whole", head, got)
		}
	}
}

// The server sends a file and its ranges, as RFC 9110 section 14 says.
func TestRanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	data := []byte(strings.Repeat("0123456789", 100_000))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Site{Greeting: greeting, File: path, Patience: time.Minute, Idle: time.Minute}
	at := serveSite(t, 1, s)
	client := &http.Client{Transport: &http.Transport{}, Timeout: longtest.Guard}
	defer client.CloseIdleConnections()
	size := len(data)
	modified := ""
	for _, c := range []struct {
		method, ranges, ifRange string
		status, from, n         int
	}{
		{"GET", "", "", 200, 0, size},
		{"HEAD", "", "", 200, 0, size},
		{"HEAD", "bytes=0-1", "", 200, 0, size}, // ranges are only for GET
		{"GET", "bytes=0-0", "", 206, 0, 1},
		{"GET", "bytes=5-", "", 206, 5, size - 5},
		{"GET", "bytes=500000-600000", "", 206, 500_000, 100_001},
		{"GET", "bytes=-7", "", 206, size - 7, 7},
		{"GET", "bytes=-99999999999999999999", "", 206, 0, size},
		{"GET", "bytes=10-99999999999999999999", "", 206, 10, size - 10},
		{"GET", "bytes=10-2000000", "", 206, 10, size - 10},
		{"GET", "bytes=1000000-", "", 416, 0, 0},
		{"GET", "bytes=99999999999999999999-", "", 416, 0, 0},
		{"GET", "bytes=-0", "", 416, 0, 0},
		{"GET", "bytes=-00", "", 416, 0, 0},
		{"GET", "bytes=5-4", "", 200, 0, size},
		{"GET", "bytes=a-b", "", 200, 0, size},
		{"GET", "bytes=-", "", 200, 0, size},
		{"GET", "bytes=0-1,5-6", "", 200, 0, size}, // a server may ignore a list of ranges
		{"GET", "lines=0-1", "", 200, 0, size},
		{"GET", "bytes=1-2", "modified", 206, 1, 2},
		{"GET", "bytes=1-2", "\"another\"", 200, 0, size},
		{"POST", "", "", 405, 0, 0},
	} {
		req, _ := http.NewRequest(c.method, "http://"+at+"/file", nil)
		if c.ranges != "" {
			req.Header.Set("Range", c.ranges)
		}
		if c.ifRange != "" {
			req.Header.Set("If-Range", strings.Replace(c.ifRange, "modified", modified, 1))
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		want := data[c.from : c.from+c.n]
		if c.method == "HEAD" {
			want = nil
		}
		if err != nil || res.StatusCode != c.status || !bytes.Equal(got, want) || res.ContentLength != int64(c.n) {
			t.Errorf("%s %q: %s, %d bytes of %d, %v; want %d, %d", c.method, c.ranges, res.Status, len(got), res.ContentLength, err, c.status, c.n)
		}
		content := map[int]string{206: fmt.Sprintf("bytes %d-%d/%d", c.from, c.from+c.n-1, size), 416: fmt.Sprintf("bytes */%d", size)}
		if h := res.Header.Get("Content-Range"); h != content[c.status] {
			t.Errorf("%s %q: Content-Range: %q", c.method, c.ranges, h)
		}
		if c.status == 200 || c.status == 206 {
			modified = res.Header.Get("Last-Modified")
			if _, err := http.ParseTime(modified); err != nil || res.Header.Get("Accept-Ranges") != "bytes" {
				t.Errorf("%s %q: %v", c.method, c.ranges, res.Header)
			}
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if res, err := client.Get("http://" + at + "/file"); err != nil || res.StatusCode != 404 {
		t.Error(err)
	}
}
