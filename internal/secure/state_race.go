//go:build race

package secure

import "strings"

// checkState panics if the fields of c contradict the table of Conn. The caller holds readMu.
func (c *Conn) checkState() {
	s := c.session
	s.checkState()
	check("Conn", !c.handshakeDone.Load() || s.handshakeDone, "handshakeDone", "!session.handshakeDone")
	check("Conn", len(c.unread) == 0 || !c.recvShort, "unread", "recvShort")
	c.lockWrite()
	defer c.unlockWrite()
	check("Conn", c.out == nil || len(c.out) > 0, "out is empty", "not nil")
	check("Conn", int(c.unsent.Load()) == len(c.out), "unsent is not the length of out")
}

// checkState panics if the fields of s contradict the table of Session. The caller is the Session's
// reader.
func (s *Session) checkState() {
	check("Session", !s.running || s.strand != nil, "running", "strand == nil")
	check("Session", !s.handshakeDone || s.strand == nil, "handshakeDone", "strand != nil")
	check("Session", s.handshakeErr == nil || s.handshakeDone || s.strand != nil, "handshakeErr", "!handshakeDone", "strand == nil")
	check("Session", !s.peeked || s.Ready(), "peeked", "!Ready()")
	check("Session", s.readErr == nil || s.Ready(), "readErr", "!Ready()")
	check("Session", s.recordsRead >= 0 && s.recordsDone >= 0, "recordsRead or recordsDone < 0")
	f := &s.records
	check("Session", 0 <= f.header && f.header < headerLen && f.left >= 0, "records: header or left is out of range")
	check("Session", f.header == 0 || f.left == 0, "records.header > 0", "records.left > 0")
}

func check(of string, holds bool, fields ...string) {
	if !holds {
		panic("secure: " + of + ": " + strings.Join(fields, " and "))
	}
}
