//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/ureactor/ureactor/netconn"
)

// WriteBuffers gets many large, small and empty buffers. Their bytes arrive in order at a slow
// reader.
func TestWriteBuffersOfEverySize(t *testing.T) {
	a, b, stop, err := pipe(t, "tcp4")()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	sent := noise(2 << 20)
	var v net.Buffers
	for rest, i := sent, 0; len(rest) > 0; i++ {
		n := min(len(rest), []int{100, 0, 1, 511, 100, 513, 37, 70_000, 3}[i/90%9]) // 90 of each in a row
		if i%50 == 7 {
			n = min(len(rest), 1000)
		}
		v, rest = append(v, rest[:n:n]), rest[n:]
	}
	got := make(chan []byte, 1)
	go func() {
		p, _ := io.ReadAll(b)
		got <- p
	}()
	if n, err := a.(*netconn.Conn).WriteBuffers(&v); n != int64(len(sent)) || err != nil || len(v) != 0 {
		t.Errorf("%d of %d, %v; %d are left", n, len(sent), err, len(v))
	}
	a.(*netconn.Conn).CloseWrite()
	if !bytes.Equal(<-got, sent) {
		t.Error("other bytes have arrived")
	}
}

// BenchmarkPieces compares vectored writes of net and netconn. A write has 1,000 pieces of 100
// bytes.
func BenchmarkPieces(b *testing.B) {
	for name, write := range map[string]func(c net.Conn, v *net.Buffers) (int64, error){
		"net":  func(c net.Conn, v *net.Buffers) (int64, error) { return v.WriteTo(c) },
		"ours": func(c net.Conn, v *net.Buffers) (int64, error) { return c.(*netconn.Conn).WriteBuffers(v) },
	} {
		b.Run(name, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err == nil {
					io.Copy(io.Discard, struct{ io.Reader }{c})
					c.Close()
				}
			}()
			dial := net.Dial
			if name == "ours" {
				dial = netconn.Dial
			}
			c, err := dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			piece, all := make([]byte, 100), make(net.Buffers, 1000)
			for b.Loop() {
				v := all
				for i := range v {
					v[i] = piece
				}
				if _, err := write(c, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
