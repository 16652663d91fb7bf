//go:build unix

package main

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// If the server is bound to the wildcard address, it sends each echo from the address that the
// datagram was sent to, in both families. This holds even if a client sends to two addresses from
// one socket. (On Linux all of 127.0.0.0/8 belongs to this machine.)
func TestDatagramsComeBackFromTheAddressThatWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this machine has no 127.0.0.2")
	}
	inEachStyle(t, func(t *testing.T, style string) {
		s := serveAt(t, 3, "-style", style, "udp://:0", "udp://0.0.0.0:0", "udp4://0.0.0.0:0")
		c, err := net.ListenPacket("udp4", ":0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, at := range s.at {
			_, port, _ := net.SplitHostPort(at)
			for _, ip := range []string{"127.0.0.2", "127.0.0.1"} {
				to, err := net.ResolveUDPAddr("udp4", net.JoinHostPort(ip, port))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.WriteTo([]byte("hello"), to); err != nil {
					t.Fatal(err)
				}
				_ = c.SetReadDeadline(time.Now().Add(long))
				if _, from, err := c.ReadFrom(make([]byte, 10)); err != nil || from.String() != to.String() {
					t.Errorf("%s: asked at %v, answered from %v, %v", at, to, from, err)
				}
			}
		}
	})
}

// A Unix datagram of more than 64 KiB is echoed whole.
func TestLargeUnixDatagramsComeBack(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	inEachStyle(t, func(t *testing.T, style string) {
		at := socketPath(t)
		s := serveAt(t, 1, "-style", style, "unixgram://"+at)
		c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: socketPath(t)}, &net.UnixAddr{Name: s.at[0]})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(long))
		_ = c.SetWriteBuffer(gramMax) // the system may limit the buffers of client and server
		room := make([]byte, gramMax+1)
		for _, size := range []int{150_000, gramMax} {
			sent := noise(size)
			if _, err := c.Write(sent); err != nil {
				t.Skip(err)
			}
			n, err := io.ReadAtLeast(c, room, 1)
			if err != nil || !bytes.Equal(room[:n], sent) {
				t.Errorf("sent %d bytes, %d came back, %v", len(sent), n, err)
			}
		}
	})
}

// A drain does not remove the socket files of successors at the same paths.
func TestDrainLeavesASuccessorsFile(t *testing.T) {
	inEachStyle(t, func(t *testing.T, style string) {
		stream, gram := socketPath(t), socketPath(t)
		old := serveAt(t, 2, "-style", style, "unix://"+stream, "unixgram://"+gram)
		for _, path := range []string{stream, gram} {
			if err := syscall.Unlink(path); err != nil {
				t.Fatal(err)
			}
		}
		serveAt(t, 2, "-style", style, "unix://"+stream, "unixgram://"+gram)
		old.signal(syscall.SIGTERM)
		old.ends(0)
		roundTrip(t, dial(t, "unix", stream), "hello")
		c, err := net.Dial("unixgram", gram)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}
