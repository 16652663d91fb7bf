package secure

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// A cache runs a function when a ticket arrives.
type cache struct {
	tls.ClientSessionCache
	put func()
	get func(key string)
}

func (c cache) Put(string, *tls.ClientSessionState) { c.put() }

func (c cache) Get(key string) (*tls.ClientSessionState, bool) {
	if c.get != nil {
		c.get(key)
	}
	return nil, false
}

// In TLS 1.3 a Read calls the session cache. The Desc must know that this is user code: a Close or
// Detach in it must not wait for the reference that the Read holds. The test calls Detach, which
// asks for a duplicate at once. This kernel makes no duplicates, so Detach fails and changes
// nothing.
func TestSessionCacheIsUserCode(t *testing.T) {
	var d *desc.Desc
	var cfg *tls.Config
	puts := 0
	s := newSceneOf(t, tls.VersionTLS13, func(client *tls.Config) {
		cfg, client.ServerName = client, "a"
		client.ClientSessionCache = cache{put: func() {
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
	if _, same := cfg.ClientSessionCache.(cache); puts == 0 || !same {
		t.Errorf("%d tickets have come, and the caller's config has a %T", puts, cfg.ClientSessionCache)
	}
}

// bare is a Wire without the methods Outer and User.
type bare struct{ Wire }

func (bare) Read([]byte) (int, error)    { return 0, ErrAgain }
func (bare) Write(p []byte) (int, error) { return len(p), nil }
func (bare) LocalAddr() net.Addr         { return &net.IPAddr{IP: net.IPv4(192, 0, 2, 1)} }
func (bare) RemoteAddr() net.Addr        { return &net.IPAddr{IP: net.IPv4(192, 0, 2, 2)} }

// crypto/tls gets the addresses of the wire from its connection. It uses them for the key of a
// session if the config has no ServerName.
func TestCryptoTLSGetsTheAddresses(t *testing.T) {
	var key string
	s := New(bare{}, &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache{get: func(k string) { key = k }}}, false)
	if err := s.Handshake(); err != ErrAgain || key != "192.0.2.2" {
		t.Errorf("%v, the key of the session is %q", err, key)
	}
	if at := s.tls.LocalAddr().String(); at != "192.0.2.1" {
		t.Errorf("the local address is %s", at)
	}
	s.Stop()
	// crypto/tls stores any error but a temporary net.Error.
	if e, ok := ErrAgain.(interface {
		net.Error
		Temporary() bool
	}); !ok || !e.Timeout() || !e.Temporary() || e.Error() == "" {
		t.Errorf("%v would end the connection", e)
	}
}

// elsewhere is a connection that is not the Session's.
type elsewhere struct{ net.Conn }

func (o elsewhere) Outer() net.Conn { return o }

// Each of a server's callbacks gets the outer connection, even if the config has no other callback.
// The callbacks of a config that GetConfigForClient returns get it too. A config without callbacks
// is used unchanged.
func TestEveryCallbackGetsTheOuterConn(t *testing.T) {
	calls := 0
	check := func(h *tls.ClientHelloInfo) {
		calls++
		if h.Conn != (elsewhere{}) {
			t.Errorf("call %d got a %T", calls, h.Conn)
		}
	}
	cert := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { check(h); return nil, nil }}
	keys := &tls.Config{GetEncryptedClientHelloKeys: func(h *tls.ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) {
		check(h)
		return nil, nil
	}}
	list := []*tls.Config{cert, keys, {}}
	next := 0
	nested := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) { check(h); return list[next], nil }}
	hello := func() *tls.ClientHelloInfo { return &tls.ClientHelloInfo{Conn: &tls.Conn{}} }
	try := func(c *tls.Config) {
		if f := c.GetCertificate; f != nil {
			f(hello())
		}
		if f := c.GetEncryptedClientHelloKeys; f != nil {
			f(hello())
		}
	}
	for next = range list {
		c := withOuterConn(list[next], elsewhere{})
		try(c)
		if plain := next == 2; (c == list[next]) != plain {
			t.Errorf("config %d is copied: %v", next, plain)
		}
		inner, err := withOuterConn(nested, elsewhere{}).GetConfigForClient(hello())
		if err != nil {
			t.Fatal(err)
		}
		try(inner)
	}
	if calls != 7 {
		t.Errorf("%d calls, want 7", calls)
	}
}

// A callback of the configuration runs inside a call of its connection. If it uses this connection
// on a loop, it panics, because the second use would otherwise wait forever. The panic reaches the
// caller of the handshake.
func TestCallbackThatUsesItsConnPanics(t *testing.T) {
	up, down := new(bytes.Buffer), new(bytes.Buffer)
	k, other := &end{Kernel: kernel.Host, in: up, out: down}, &end{Kernel: kernel.Host, in: down, out: up}
	var s *Conn
	cfg := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		_, _ = s.Read(&desc.Call{}, make([]byte, 1))
		return nil, nil
	}}
	s = NewConn(desc.New(k, 1<<20, &lone{Waiter: desc.Parked}), k, nil, nil, func() net.Conn { return nil }, cfg, true)
	c := NewConn(desc.New(other, 1<<20, desc.Parked), other, nil, nil, nil, &tls.Config{InsecureSkipVerify: true}, false)
	_ = c.Handshake(&desc.Call{})
	func() {
		defer func() {
			if got := fmt.Sprint(recover()); !strings.Contains(got, "uses its own connection") {
				t.Errorf("the panic says %q", got)
			}
		}()
		_ = s.Handshake(&desc.Call{})
	}()
	s.desc.Close()
	c.desc.Close()
}
