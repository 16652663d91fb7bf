//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// gathers are the calls whose result is a gathered.
var gathers = map[string]func(d *desc.Desc, c *desc.Call, n int, recv desc.Receive) ([]byte, kernel.Errno){
	"Gather": func(d *desc.Desc, c *desc.Call, n int, recv desc.Receive) ([]byte, kernel.Errno) {
		return d.Gather(c, n, recv)
	},
	"Line": func(d *desc.Desc, c *desc.Call, n int, recv desc.Receive) ([]byte, kernel.Errno) {
		return d.Line(c, n, true, recv)
	},
	"Line by bytes": func(d *desc.Desc, c *desc.Call, n int, recv desc.Receive) ([]byte, kernel.Errno) {
		return d.Line(c, n, false, recv)
	},
}

// A call returns exactly the bytes that it has received, wherever its deadline ends it: before,
// during or after a growth of the result. The clock advances with each reading. Each run has
// another deadline, so it ends at another reading.
func TestResultIsWholeInEachGrowth(t *testing.T) {
	const most = 1 << 20
	pattern := bytes.Repeat([]byte("no line ends here, whatever comes. "), most/35+1)
	for name, call := range gathers {
		step := 1
		if name == "Line by bytes" {
			step = 13 // this call makes many tries, so its runs are long
		}
		for looks := 1; ; looks += step {
			k, d := newEndless()
			d.Kernel = &ticking{endless: k}
			sent := 0
			recv := func(p []byte, flags int) (int, kernel.Errno) {
				n := copy(p, pattern[sent:])
				if flags&kernel.MSG_PEEK == 0 {
					sent += n
				}
				return n, 0
			}
			got, e := call(d, &desc.Call{Limit: timeout.Timeout(time.Duration(looks) * time.Millisecond)}, most, recv)
			if e != 0 && e != kernel.ETIMEDOUT || !bytes.Equal(got, pattern[:sent]) {
				t.Fatalf("%s, %d looks: %d bytes of %d, %v", name, looks, len(got), sent, e)
			}
			if e == 0 {
				if len(got) != most {
					t.Errorf("%s: %d bytes, want %d", name, len(got), most)
				}
				break
			}
		}
	}
}

// The clock of a ticking kernel advances by a millisecond with each reading.
type ticking struct{ *endless }

func (k *ticking) Now() timeout.Deadline { return timeout.Deadline(k.now.Add(int64(time.Millisecond))) }
