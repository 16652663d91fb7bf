//go:build unix

package socket_test

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/ureactor/ureactor/socket"
)

// Both ends of a net.Pipe close at the same time. Each end waits until the other one reads its
// close_notify. The deadline of the write ends that. The test uses a fake clock.
func TestStreamsThatCloseAtTheSameTime(t *testing.T) {
	cert, key := certificate()
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		wrap := func(protocol int, end net.Conn) *socket.SSLStream {
			c, err := socket.NewSSLContext(protocol)
			if err == nil && protocol == socket.PROTOCOL_TLS_SERVER {
				err = c.LoadCertChainData(cert, key)
			} else if err == nil {
				err = c.SetVerifyMode(socket.CERT_NONE) // the fake clock begins before the certificate is valid
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.WrapStream(end, socket.SSLWrap{ServerSide: protocol == socket.PROTOCOL_TLS_SERVER, ServerHostname: "localhost"})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		done := make(chan struct{})
		ready := make(chan *socket.SSLStream)
		go func() {
			s := wrap(socket.PROTOCOL_TLS_SERVER, b)
			if _, err := s.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			ready <- s
		}()
		s := wrap(socket.PROTOCOL_TLS_CLIENT, a)
		if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		server := <-ready
		go func() {
			defer close(done)
			_ = server.Close()
		}()
		_ = s.Close()
		<-done
	})
}
