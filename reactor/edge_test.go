//go:build unix

package reactor

import (
	"bytes"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// 300 clients send and half-close before they are accepted, so one Event reports both the data and
// the FIN. After the read that does not fill the buffer, the loop must therefore read once more, to
// receive the FIN. Some clients send exactly the size of the loop's buffer, or twice that size.
func TestFinThatComesWithTheDataIsSeen(t *testing.T) {
	twice(t, func(t *lab) {
		addr := t.listen("tcp", func(*Conn) Handler { return plain{&hooks{data: func(c *Conn, p []byte) { c.Send(p) }}} })
		var conns []*peer
		var sent [][]byte
		t.freeze(func() {
			for i := range longtest.Count(40, 100, 120) { // the backlog of a BSD has room for 128
				c := t.dial(addr)
				p := bytes.Repeat([]byte{byte(i)}, []int{1, 5000, readSize, 2 * readSize}[i%4])
				c.sendAndFIN(p)
				conns, sent = append(conns, c), append(sent, p)
			}
			t.pass(time.Millisecond)
		})
		for i, c := range conns {
			if got, e := c.readAll(); e != 0 || !bytes.Equal(got, sent[i]) {
				t.Errorf("connection %d: got %d bytes of %d, %v", i, len(got), len(sent[i]), e)
			}
		}
		if err := t.shutdown(guard); err != nil {
			t.Error(err)
		}
	})
}
