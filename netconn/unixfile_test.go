//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// owners contains the kinds of owners of socket files. Each function listens at a path, for streams
// or datagrams, and returns a function that closes the socket.
var owners = map[string]func(t *testing.T, network, path string) (close func()){
	"netconn": func(t *testing.T, network, path string) func() {
		if network == "unixgram" {
			c, err := netconn.ListenPacket(network, path)
			if err != nil {
				t.Fatal(err)
			}
			c.(*netconn.UnixConn).SetUnlinkOnClose(true)
			return func() { c.Close() }
		}
		l, err := netconn.Listen(network, path)
		if err != nil {
			t.Fatal(err)
		}
		return func() { l.Close() }
	},
	"reactor": func(t *testing.T, network, path string) func() {
		r, err := reactor.New()
		if err != nil {
			t.Fatal(err)
		}
		if network == "unixgram" {
			_, err = r.ListenPacket(network, path, silent{})
		} else {
			_, err = r.Listen(network, path, func(*reactor.Conn) reactor.Handler { return nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = r.Shutdown(context.Background()) }
	},
}

type silent struct{}

func (silent) Packet(*reactor.PacketConn, []byte, reactor.Addr) {}
func (silent) Closed(*reactor.PacketConn, error)                {}

// A close removes the socket's file, even if the program has changed its directory since. It
// removes no other file: not the socket of a successor at the same path, not a file of another
// kind, and no file with this name in another directory. The test does not change to os.TempDir:
// that directory is often modified, and go test would then not cache the results of this package.
func TestOnlyTheOwnSocketFileIsRemoved(t *testing.T) {
	for who, open := range owners {
		for _, network := range []string{"unix", "unixgram"} {
			t.Run(who+" "+network, func(t *testing.T) {
				exists := func(path string) bool { _, err := os.Lstat(path); return err == nil }
				path := free(t, network)
				if open(t, network, path)(); exists(path) {
					t.Error("its own file is left")
				}
				close := open(t, network, path)
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				successor := open(t, network, path)
				if close(); !exists(path) {
					t.Error("the successor's file is removed")
				}
				if successor(); exists(path) {
					t.Error("the successor's file is left")
				}
				close = open(t, network, path)
				_ = os.Remove(path)
				if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
					t.Fatal(err)
				}
				if close(); !exists(path) {
					t.Error("a file that is no socket is removed")
				}
				one, two := filepath.Dir(free(t, network)), filepath.Dir(free(t, network))
				other := filepath.Join(two, "s")
				if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Chdir(one)
				close = open(t, network, "s")
				t.Chdir(two)
				if close(); !exists(other) || exists(filepath.Join(one, "s")) {
					t.Errorf("after a chdir: the other file is there: %t, its own: %t", exists(other), exists(filepath.Join(one, "s")))
				}
			})
		}
	}
}

// Close does not remove the socket's file after Detach, because the file then belongs to the new
// owner. Close does not remove the file after SetUnlinkOnClose(false) either.
func TestAFileThatWasGivenAwayStays(t *testing.T) {
	for _, how := range []string{"Detach", "SetUnlinkOnClose"} {
		path := free(t, "unix")
		l, err := netconn.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if how == "Detach" {
			fd, err := l.(*netconn.UnixListener).Socket().Detach()
			if err != nil {
				t.Fatal(err)
			}
			f := os.NewFile(uintptr(fd), "listener")
			defer f.Close()
		} else {
			l.(*netconn.UnixListener).SetUnlinkOnClose(false)
		}
		l.Close()
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		if c, err := net.Dial("unix", path); how == "Detach" && err != nil {
			t.Errorf("the socket that was given away does not listen: %v", err)
		} else if err == nil {
			c.Close()
		}
	}
}
