package secure

import (
	"crypto/tls"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// A cache runs a function when a ticket arrives.
type cache struct {
	tls.ClientSessionCache
	put func()
}

func (c cache) Put(string, *tls.ClientSessionState) { c.put() }

// In TLS 1.3 a Read calls the session cache. The Desc must know that this is user code: a Close or
// Detach in it must not wait for the reference that the Read holds. The test calls Detach, which
// asks for a duplicate at once. This kernel makes no duplicates, so Detach fails and changes
// nothing.
func TestSessionCacheIsUserCode(t *testing.T) {
	var d *desc.Desc
	puts := 0
	s := newSceneOf(t, tls.VersionTLS13, func(client *tls.Config) {
		client.ServerName = "a"
		client.ClientSessionCache = cache{tls.NewLRUClientSessionCache(1), func() {
			puts++
			if _, e := d.Detach(); e == 0 || d.Closed() {
				t.Errorf("Detach in Put: %v, closed %v", e, d.Closed())
			}
		}}
	})
	d = s.other.desc
	if _, err := s.other.Read(&desc.Call{}, make([]byte, 1)); err != kernel.EAGAIN {
		t.Errorf("Read: %v", err)
	}
	if puts == 0 {
		t.Error("no ticket has come")
	}
}
