package secure

import (
	"crypto/tls"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// A cache runs its own code when a ticket comes.
type cache struct {
	tls.ClientSessionCache
	put func()
}

func (c cache) Put(string, *tls.ClientSessionState) { c.put() }

// TLS 1.3 calls the session cache in a Read. The Desc knows that user code runs, so that a
// Close or Detach there does not wait for the reference of that very call. Detach shows it: it asks
// for a duplicate at once, of which this kernel has none, and then nothing has happened.
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
