//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"crypto/tls"
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/socket"
)

// A peer closes its TCP connection without close_notify. If that happens between two records, it is
// the end of the stream. Inside of a record it is EPROTO with io.ErrUnexpectedEOF, for all later
// calls. Data that has come before can still be read.
func TestD41SSLEndWithoutCloseNotify(t *testing.T) {
	both(t, func(l *lab) {
		for _, part := range [][]byte{nil, {23}, {23, 3, 3, 0}, {23, 3, 3, 0, 40, 1, 2, 3}} {
			key, cert := keyAndCert()
			a, b := l.connected(0)
			join := l.elsewhere(func() {
				s, err := socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert})
				if err != nil {
					l.Error(err)
					return
				}
				defer s.Close()
				all, err := s.ReadAll()
				if string(all) != "whole" {
					l.Errorf("%x: %q", part, all)
				}
				for range 2 {
					if part == nil && err != nil {
						l.Errorf("at the end of a record: %v", err)
					}
					if part != nil && !(errors.Is(err, syscall.EPROTO) && errors.Is(err, io.ErrUnexpectedEOF)) {
						l.Errorf("in a record, %x: %v", part, err)
					}
					_, err = s.ReadSize(1)
				}
				if _, err := s.Read(make([]byte, 1)); (err == io.EOF) != (part == nil) {
					l.Errorf("%x: Read: %v", part, err)
				}
			})
			conn := l.plain(a)
			c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			_, err := c.Write([]byte("whole"))
			must(err)
			_, err = conn.Write(part)
			must(err)
			conn.Close() // this closes the connection below, so no close_notify is sent
			join()
		}
	})
}
