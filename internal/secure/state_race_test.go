//go:build race

package secure

import (
	"fmt"
	"strings"
	"testing"
)

// Each row breaks one rule of the tables of Conn and Session. The check at the end of the next call
// panics and names the field.
func TestStateIsChecked(t *testing.T) {
	for field, spoil := range map[string]func(*Conn){
		"Conn: handshakeDone":         func(c *Conn) { c.session.handshakeDone = false },
		"Conn: unread":                func(c *Conn) { c.unread, c.recvShort = []byte{1}, true },
		"Conn: out":                   func(c *Conn) { c.out = []byte{} },
		"Conn: unsent":                func(c *Conn) { c.unsent.Store(1) },
		"Session: running":            func(c *Conn) { c.session.running = true },
		"Session: handshakeDone":      func(c *Conn) { c.session.strand = &strand{} },
		"Session: handshakeErr":       func(c *Conn) { c.session.handshakeDone, c.session.handshakeErr = false, errPanicked },
		"Session: peeked":             func(c *Conn) { c.session.peeked, c.session.handshakeErr = true, errPanicked },
		"Session: readErr":            func(c *Conn) { c.session.readErr, c.session.handshakeErr = ErrAgain, errPanicked },
		"Session: recordsRead":        func(c *Conn) { c.session.recordsDone = -1 },
		"Session: records: header":    func(c *Conn) { c.session.records.header = headerLen },
		"Session: records.header > 0": func(c *Conn) { c.session.records.header, c.session.records.left = 1, 1 },
	} {
		t.Run(field, func(t *testing.T) {
			s := newScene(t)
			spare := *s.session
			s.lockRead()
			func() {
				defer func() {
					if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "secure: "+field) {
						t.Errorf("the check says %q", got)
					}
				}()
				spoil(s.Conn)
				s.release()
			}()
			s.handshakeDone.Store(true)
			s.setOut(nil)
			s.unread, *s.session = nil, spare
		})
	}
}
