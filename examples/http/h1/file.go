package h1

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/reactor"
)

// file answers with the file, or with a range of it (RFC 9110, 14.2). The kernel copies the file
// from its cache to the socket.
func (h *conn) file(c *reactor.Conn) {
	f, err := os.Open(h.s.File)
	if err != nil {
		h.status(c, "404 Not Found")
		return
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		h.status(c, "404 Not Found")
		return
	}
	size := info.Size()
	modified := info.ModTime().UTC().Format(httpDate)
	from, n, part := int64(0), size, false
	if h.req.method == get && h.req.ranges != "" && (h.req.ifRange == "" || h.req.ifRange == modified) {
		var ok bool
		if from, n, part, ok = byteRange(h.req.ranges, size); !ok {
			_ = f.Close()
			b := fmt.Appendf(h.head(c, "416 Range Not Satisfiable"), "Content-Range: bytes */%d\r\nContent-Length: 0\r\n\r\n", size)
			_ = c.Send(b)
			return
		}
	}
	status := "200 OK"
	if part {
		status = "206 Partial Content"
	}
	b := h.head(c, status)
	b = fmt.Appendf(b, "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nLast-Modified: %s\r\n", modified)
	if part {
		b = fmt.Appendf(b, "Content-Range: bytes %d-%d/%d\r\n", from, from+n-1, size)
	}
	b = append(appendLength(b, n), crlf...)
	if err := c.Send(b); err != nil || h.req.method == head {
		_ = f.Close()
		return
	}
	if err := c.SendFile(f, from, n); err != nil { // without an error, the Conn closes the file
		_ = f.Close()
		_ = c.Abort() // the length was already sent
	}
}

// byteRange parses a range of a file that has size bytes. If the file has no byte of the range, ok
// is false. If text is no range of bytes, or has several ranges, the server ignores it, and part is
// false.
func byteRange(text string, size int64) (from, n int64, part, ok bool) {
	spec, found := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !found || !dash || first+last == "" || !all([]byte(first+last), isDigit) {
		return 0, size, false, true
	}
	end, err := strconv.ParseInt(last, 10, 64)
	if last == "" || err != nil { // too large a number means the end of the file
		end = size - 1
	}
	if first == "" { // "-n" means the last n bytes
		n = size
		if err == nil {
			n = min(end, size)
		}
		return size - n, n, n > 0, n > 0
	}
	from, err = strconv.ParseInt(first, 10, 64)
	switch {
	case err != nil || from >= size:
		return 0, 0, false, false
	case last != "" && end < from:
		return 0, size, false, true
	}
	end = min(end, size-1)
	return from, end - from + 1, true, true
}
