//go:build unix

package reactor

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/proxyproto"
)

// anybody contains every IPv4 address.
var anybody = netip.MustParsePrefix("0.0.0.0/0")

var proxyHeaders = []proxyproto.Header{
	{Version: 1, Source: netip.MustParseAddrPort("192.0.2.1:1000"), Destination: netip.MustParseAddrPort("192.0.2.2:443")},
	{Version: 2, Source: netip.MustParseAddrPort("[2001:db8::1]:1000"), Destination: netip.MustParseAddrPort("[2001:db8::2]:443"),
		TLVs: []byte("\x02\x00\x04name")},
	{Version: 2, Local: true},
}

// A header of either version arrives in pieces, with a Filter behind it and without. In Opened the
// Conn has the addresses of the header. Data gets every byte behind the header, even if Opened
// pauses.
func TestProxyHeaderIsReadBeforeOpened(t *testing.T) {
	twice(t, func(t *lab) {
		for i, header := range proxyHeaders {
			wire, err := header.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, filtered := range []bool{false, true} {
				for _, piece := range []int{1, 7, 1000} {
					t.proxied(fmt.Sprintf("header %d, filter %v, pieces of %d", i, filtered, piece), header, wire, filtered, piece)
				}
			}
		}
	})
}

func (l *lab) proxied(what string, header proxyproto.Header, wire []byte, filtered bool, piece int) {
	l.Helper()
	got, local, remote, calls := "", "", "", ""
	paused := false
	h := &hooks{
		opened: func(c *Conn) {
			calls += "opened "
			local, remote = c.LocalAddr().String(), c.RemoteAddr().String()
			h, proxy := c.ProxyHeader()
			if h == nil || h.Version != header.Version || !strings.HasPrefix(proxy.String(), "1") {
				l.Errorf("%s: %+v of %v", what, h, proxy)
			}
			_ = c.Pause()
			paused = true
			l.r.After(time.Millisecond, func() { paused = false; _ = c.Resume() })
		},
		data: func(c *Conn, p []byte) {
			if paused && !filtered {
				l.Errorf("%s: Data while paused", what)
			}
			got += string(p)
		},
		closed: func(c *Conn, err error) {
			calls += fmt.Sprint("closed ", err)
			if a := c.RemoteAddr().String(); a != remote {
				l.Errorf("%s: in Closed the peer is %s", what, a)
			}
		},
	}
	opts := []ListenOption{WithProxy(anybody)}
	text := []byte("what follows the header")
	want := string(text)
	if filtered {
		opts = append(opts, WithFilters(func(bool) (func(*Wire) Filter, error) { return newXor, nil }))
		flip(text)
	}
	addr := l.listen("tcp", func(c *Conn) Handler {
		if h, _ := c.ProxyHeader(); h != nil || c.Input() != nil {
			l.Errorf("%s: a header before it was read", what)
		}
		return h
	}, opts...)
	peer := l.dial(addr)
	all := append(append([]byte(nil), wire...), text...)
	for p := all; len(p) > 0; p = p[min(piece, len(p)):] {
		peer.write(p[:min(piece, len(p))])
		l.pass(20 * time.Microsecond)
	}
	peer.closeWrite()
	l.until(func() bool { return strings.Contains(calls, "closed") })
	wantLocal, wantRemote := header.Destination.String(), header.Source.String()
	if header.Local {
		wantLocal, wantRemote = addr.String(), peer.addr().String()
	}
	if got != want || calls != "opened closed <nil>" || local != wantLocal || remote != wantRemote {
		l.Errorf("%s: %q; %s; %s of %s, want %s of %s", what, got, calls, remote, local, wantRemote, wantLocal)
	}
	peer.close()
}

// A header that is wrong, incomplete or late closes the Conn, and no other callback is called. A
// peer that is not trusted is reset, and the function of Listen is not called.
func TestBadProxyHeaderClosesTheConn(t *testing.T) {
	twice(t, func(t *lab) {
		for text, want := range map[string]error{
			"GET / HTTP/1.1\r\n\r\n":             proxyproto.ErrHeader,
			"PROXY TCP4 1.2.3.4\r\n":             proxyproto.ErrHeader,
			"PROXY TCP4 1.2.3.4 5.6.7.8 ":        io.ErrUnexpectedEOF,
			"":                                   io.ErrUnexpectedEOF,
			"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff": os.ErrDeadlineExceeded,
		} {
			if want == os.ErrDeadlineExceeded && !t.simulated() {
				continue // this case takes ten seconds
			}
			var end error
			ended := false
			wrong := func(c *Conn) { t.Errorf("%q: a callback", text) }
			h := &hooks{opened: wrong, data: func(c *Conn, _ []byte) { wrong(c) }, closed: func(_ *Conn, err error) { end, ended = err, true }}
			peer := t.dial(t.listen("tcp", always(h), WithProxy(anybody)))
			began := t.now()
			peer.write([]byte(text))
			if want == io.ErrUnexpectedEOF {
				peer.closeWrite()
			}
			t.until(func() bool { return ended })
			took := time.Duration(t.now() - began)
			if !errors.Is(end, want) || want == os.ErrDeadlineExceeded && (took < ProxyTimeout || took > 2*ProxyTimeout) {
				t.Errorf("%q: Closed(%v) after %v, want %v", text, end, took, want)
			}
			peer.close()
		}
		peer := t.dial(t.listen("tcp", func(*Conn) Handler { t.Error("the function was asked"); return nil },
			WithProxy(netip.MustParsePrefix("192.0.2.0/24"))))
		peer.wantReset()
	})
}

// The IPv4 address of a prefix may have its IPv6 form, as a net.IP often has.
func TestWithProxyOfMappedPrefixes(t *testing.T) {
	twice(t, func(t *lab) {
		opened := false
		h := &hooks{opened: func(*Conn) { opened = true }}
		peer := t.dial(t.listen("tcp", always(h), WithProxy(netip.MustParsePrefix("::ffff:0.0.0.0/96"))))
		peer.write([]byte("PROXY UNKNOWN\r\n"))
		t.until(func() bool { return opened })
		peer.close()
	})
}

// If WithProxy has no prefix, Listen returns an error.
func TestWithProxyNeedsPrefixes(t *testing.T) {
	r := manual(t)
	for want, opt := range map[string]ListenOption{
		"reactor: WithProxy without prefixes would refuse every peer; pass at least one": WithProxy(),
		"reactor: WithProxy: prefix 1 is not valid; use netip.ParsePrefix":               WithProxy(anybody, netip.Prefix{}),
	} {
		if _, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := r.ListenPacket("udp", "127.0.0.1:0", noPackets{}, WithProxy(anybody)); err == nil {
		t.Error("ListenPacket took it")
	}
}

// The bytes of a header count as traffic. A Conn that ends before its header is complete leaves no
// timer.
func TestHeaderIsTrafficAndItsTimerEnds(t *testing.T) {
	simulated(t, func(t *lab) {
		wire, err := proxyHeaders[0].Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		idle, opened := 0, false
		var c *Conn
		at := t.listen("tcp", func(got *Conn) Handler {
			c = got
			if err := c.SetIdleTimeout(20 * time.Millisecond); err != nil {
				t.Error(err)
			}
			return &hooks{opened: func(*Conn) { opened = true }, timeout: func(*Conn, TimeoutKind) { idle++ }}
		}, WithProxy(anybody))
		p := t.dial(at)
		t.until(func() bool { return c != nil })
		for i := range wire {
			p.send(string(wire[i : i+1]))
			t.pass(15 * time.Millisecond)
		}
		if !opened || idle > 0 {
			t.Errorf("opened: %v; idle %d times", opened, idle)
		}
		c.Abort()
		c = nil
		t.dial(at)
		t.until(func() bool { return c != nil && c.awaitsHeader() })
		c.Abort()
		if n := t.r.timers.Len(); n != 0 {
			t.Errorf("%d timers are armed", n)
		}
	})
}
