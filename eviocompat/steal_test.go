//go:build linux || darwin || freebsd

package eviocompat_test

import (
	"net"
	"os"
	"testing"

	"github.com/ureactor/ureactor/eviocompat"
	"github.com/ureactor/ureactor/internal/longtest"
)

// Serve replaces the socket file of a server that has died, as evio does. Serve never replaces the
// socket file of a running server, for streams or for datagrams: the file stays, and the running
// server continues.
func TestALiveSocketFileIsNotTaken(t *testing.T) {
	for _, network := range []string{"unix", "unixgram"} {
		path := longtest.SocketPath(t)
		var live interface{ Close() error }
		var err error
		if network == "unix" {
			live, err = net.Listen(network, path)
		} else {
			live, err = net.ListenPacket(network, path)
		}
		if err != nil {
			t.Fatal(err)
		}
		served := false
		ev := eviocompat.Events{Serving: func(eviocompat.Server) eviocompat.Action { served = true; return eviocompat.Shutdown }}
		if err := eviocompat.Serve(ev, "unix://"+path); err == nil || served {
			t.Errorf("%s: the path of a live server is taken: %v", network, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: %v", network, err)
		}
		if l, ok := live.(*net.UnixListener); ok {
			l.SetUnlinkOnClose(false)
		}
		live.Close()
		if err := eviocompat.Serve(ev, "unix://"+path); err != nil || !served {
			t.Errorf("%s: the path of a dead server: %v", network, err)
		}
	}
}
