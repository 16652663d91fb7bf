package websocket

import (
	"errors"
	"strings"
	"testing"
)

// Messages of every size around the limits of a frame's head are echoed, whether they arrive whole
// or byte by byte.
func TestEcho(t *testing.T) {
	p := echoes(t).connect()
	for _, n := range []int{0, 1, 7, 8, 31, 32, 33, 125, 126, 127, 128, 1000, 65535, 65536, 200_000} {
		for i, kind := range []byte{text, bin} {
			body := strings.Repeat("é", n/2) + strings.Repeat("x", n%2)
			b := masked(fin|kind, body)
			if n < 200 && i == 0 {
				for j := range b {
					p.send(b[j : j+1])
				}
			} else {
				p.send(b)
			}
			p.want(fin|kind, body)
		}
	}
	p.send(masked(closo, closing(3000, "bye")))
	p.wantClose(3000)
}

// Closed gets the code and reason that the peer has sent.
func TestPeerCloses(t *testing.T) {
	b := echoes(t)
	p := b.connect()
	p.send(masked(closo, closing(3000, "bye")))
	var why *CloseError
	if err := b.end(); !errors.As(err, &why) || *why != (CloseError{3000, "bye", true}) {
		t.Errorf("%v", err)
	}
}
