//go:build unix

package reactor

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/netaddr"
	"github.com/ureactor/ureactor/sim"
)

// The error of a Group is the sum of the output that its loops did not deliver. If loops have other
// errors too, the error of the Group has these, each with its loop, and the sum.
func TestErrorOfAGroupHasTheErrorsOfItsLoops(t *testing.T) {
	lost := func(conns int) error { return &UndeliveredError{conns, int64(10 * conns)} }
	failed := errors.New("it has failed")
	for _, row := range []struct {
		errs  []error
		conns int // 0: no undelivered output
		fails bool
	}{
		{[]error{nil, nil}, 0, false}, {[]error{lost(1), nil}, 1, false}, {[]error{lost(1), lost(2)}, 3, false},
		{[]error{nil, failed}, 0, true}, {[]error{failed, failed}, 0, true}, {[]error{lost(2), failed}, 2, true},
	} {
		g := &Group{k: kernel.Host}
		errOf := map[*Reactor]error{}
		for _, err := range row.errs {
			r := &Reactor{}
			g.loops, errOf[r] = append(g.loops, r), err
		}
		err := g.each(func(r *Reactor) error { return errOf[r] })
		if (err == nil) != (row.conns == 0 && !row.fails) || errors.Is(err, failed) != row.fails {
			t.Errorf("%v: %v", row.errs, err)
		}
		u := (*UndeliveredError)(nil)
		if errors.As(err, &u) != (row.conns > 0) || u != nil && (u.Conns != row.conns || u.Bytes != int64(10*row.conns)) {
			t.Errorf("%v: undelivered: %+v", row.errs, u)
		}
		if _, alone := err.(*UndeliveredError); alone != (row.conns > 0 && !row.fails) {
			t.Errorf("%v: a %T", row.errs, err)
		}
		if row.errs[1] == failed && !strings.Contains(err.Error(), "loop 1: it has failed") {
			t.Errorf("%v does not name the loop", err)
		}
	}
}

// On a simulated host, Shutdown outside of a program ends the loops of a Group that has never run.
func TestShutdownOfASimulatedGroupOutsideOfAProgram(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	host := w.Host("10.0.0.1")
	g, err := NewGroup(3, WithKernel(host))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	for i, r := range g.loops {
		if !r.hasEnded() {
			t.Errorf("loop %d has not ended", i)
		}
	}
	if n := host.Files(); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
}

// A fakePart counts the calls for a shared socket.
type fakePart struct{ attached, discarded int }

func (p *fakePart) attach(*Reactor, int) error             { p.attached++; return nil }
func (p *fakePart) open(on func(func() error) error) error { return on(func() error { return nil }) }
func (p *fakePart) detachFD() int                          { return -1 }
func (p *fakePart) discard(Kernel, int)                    { p.discarded++ }
func (p *fakePart) Close() error                           { return nil }

// A socket on its way to a loop is discarded if the loop drains, or the listener or Group is
// closed. Otherwise the loop attaches the socket. A socket is never attached or discarded twice.
func TestSocketOnItsWayIsAttachedOrDiscarded(t *testing.T) {
	for what, spoil := range map[string]func(*sharedSocket){
		"":                func(*sharedSocket) {},
		"group closed":    func(s *sharedSocket) { s.l.g.closed = true },
		"listener closed": func(s *sharedSocket) { s.l.closed = true },
		"drain":           func(s *sharedSocket) { s.r.Close(); s.r.draining = true },
	} {
		g, err := NewGroup(1)
		if err != nil {
			t.Fatal(err)
		}
		p := &fakePart{}
		s := &sharedSocket{l: &GroupListener{g: g}, r: g.loops[0], part: p}
		spoil(s)
		s.send(3)
		_ = s.r.Turn(0)
		s.r.draining = false
		if want := (fakePart{attached: 1}); what == "" && *p != want || what != "" && *p != (fakePart{discarded: 1}) {
			t.Errorf("%q: %+v", what, *p)
		}
		for s.r.abortNow(); s.r.Turn(0) != ErrClosed; {
		}
	}
}

// A listener of a Group at a path removes the file of the socket, whichever loop accepts for all
// loops.
func TestGroupListenerRemovesItsFile(t *testing.T) {
	g, err := NewGroup(2)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		path := longtest.SocketPath(t)
		l, err := g.Listen("unix", path, acceptEcho)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("after Close: %v", err)
		}
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// passed makes an Inherited of new sockets: two that share a port, and the others in options.
func passed(t *testing.T, sockets int) (in *Inherited, addr string) {
	t.Helper()
	in = &Inherited{}
	o := &sockOptions{reusePort: true}
	n, err := findNetwork("tcp", true)
	if err != nil {
		t.Fatal(err)
	}
	addr = "127.0.0.1:0"
	for range sockets {
		b, err := binding(kernel.Host, n, addr)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := bindSocket(kernel.Host, n, b, o, func(int) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		at, _ := kernel.Host.LocalAddr(fd)
		addr = at.AddrPort().String()
		in.socks = append(in.socks, inheritedSocket{fd: fd, typ: kernel.SOCK_STREAM, addr: at, use: true})
	}
	return in, addr
}

// WithMaxConns counts at one socket. If several sockets were passed for the address, Listen of a
// Reactor and of a Group returns an error and closes them. Ready closes sockets that nobody uses.
func TestSeveralPassedSocketsCannotBeCounted(t *testing.T) {
	closed := func(what string, list []inheritedSocket) {
		t.Helper()
		for _, s := range list {
			if _, e := kernel.Host.GetOpt(s.fd, kernel.SOL_SOCKET, kernel.SO_TYPE); e != kernel.EBADF {
				t.Errorf("%s: descriptor %d is open: %v", what, s.fd, e)
			}
		}
	}
	g, err := NewGroup(2)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Shutdown(context.Background())
	for what, listen := range map[string]func(addr string, opts ...ListenOption) error{
		"Reactor": func(addr string, opts ...ListenOption) error {
			_, err := g.loops[0].Listen("tcp", addr, acceptEcho, opts...)
			return err
		},
		"Group": func(addr string, opts ...ListenOption) error {
			_, err := g.Listen("tcp", addr, acceptEcho, opts...)
			return err
		},
	} {
		in, addr := passed(t, 2)
		list := in.socks
		if err := listen(addr, WithInherited(in), WithMaxConns(1)); err == nil || !strings.Contains(err.Error(), "WithMaxConns") {
			t.Errorf("%s: %v", what, err)
		}
		closed(what, list)
	}
	in, _ := passed(t, 3)
	list := in.socks
	if n, err := in.Ready(); n != 3 || err != nil {
		t.Errorf("Ready: %d, %v", n, err)
	}
	closed("Ready", list)
}

// A call gets all passed sockets of its type at its address. Port 0 is the port of the first socket
// that fits. An address without a family gets sockets of both families. Others stay.
func TestTakeFindsAllSocketsOfAnAddress(t *testing.T) {
	ip := func(s string) Addr { return kernel.Inet(netip.MustParseAddrPort(s)) }
	const tcp, udp = kernel.SOCK_STREAM, kernel.SOCK_DGRAM
	all := []inheritedSocket{
		{fd: 1, typ: udp, addr: ip("127.0.0.1:1"), use: true}, {fd: 2, typ: tcp, addr: ip("127.0.0.1:1")},
		{fd: 3, typ: tcp, addr: ip("127.0.0.1:2"), use: true}, {fd: 4, typ: tcp, addr: ip("127.0.0.1:3"), use: true},
		{fd: 5, typ: tcp, addr: ip("127.0.0.1:2"), use: true}, {fd: 6, typ: tcp, addr: kernel.Unix("path"), use: true},
		{fd: 7, typ: tcp, addr: ip("0.0.0.0:4"), use: true}, {fd: 8, typ: tcp, addr: ip("[::]:4"), use: true},
		{fd: 9, typ: tcp, addr: kernel.Unix("path"), use: true},
	}
	for _, row := range []struct {
		typ  int
		at   netaddr.Binding
		want string
	}{
		{tcp, netaddr.Binding{Addr: ip("127.0.0.1:0")}, "35"}, {tcp, netaddr.Binding{Addr: ip("127.0.0.1:3")}, "4"},
		{tcp, netaddr.Binding{Addr: ip("127.0.0.1:1")}, ""}, {udp, netaddr.Binding{Addr: ip("127.0.0.1:0")}, "1"},
		{tcp, netaddr.Binding{Addr: kernel.Unix("path")}, "69"}, {tcp, netaddr.Binding{Addr: kernel.Unix("other")}, ""},
		{tcp, netaddr.Binding{Addr: ip("[::]:4"), Dual: true}, "78"}, {tcp, netaddr.Binding{Addr: ip("[::]:4")}, "8"},
		{tcp, netaddr.Binding{Addr: ip("[::]:0"), Dual: true}, "78"}, {tcp, netaddr.Binding{Addr: ip("[::]:2"), Dual: true}, ""},
	} {
		in := &Inherited{socks: append([]inheritedSocket(nil), all...)}
		got := ""
		for _, s := range in.take(row.typ, row.at) {
			got += string(rune('0' + s.fd))
		}
		if got != row.want || len(in.socks) != len(all)-len(got) {
			t.Errorf("%v: sockets %q, want %q; %d stay", row.at.Addr, got, row.want, len(in.socks))
		}
	}
}

// LISTEN_FDS is a number up to 4096.
func TestInheritChecksTheNumber(t *testing.T) {
	for text, good := range map[string]bool{"x": false, "-1": false, "4097": false, "0": true, "4096": true} {
		t.Setenv(envFDs, text)
		_, err := Inherit()
		if bad := err != nil && strings.Contains(err.Error(), "must be 0"); bad == good {
			t.Errorf("%s=%q: %v", envFDs, text, err)
		}
	}
}

// Restart without a context panics. If the context ends before the loop has listed its sockets, the
// duplicates that the loop makes later are closed.
func TestRestartThatComesTooLateKeepsNothing(t *testing.T) {
	r := manual(t)
	var none context.Context
	wantPanic(t, "Restart with a nil context", func() { _ = r.Restart(none, nil) })
	if _, err := r.Listen("tcp", "127.0.0.1:0", acceptEcho); err != nil {
		t.Fatal(err)
	}
	if list, err := r.duplicateSockets(ended()); err == nil || len(list) > 0 {
		t.Errorf("%d sockets, %v", len(list), err)
	}
	before := kernel.Files(r.k)
	for r.turn(0); kernel.Files(r.k) > before; {
		time.Sleep(time.Millisecond)
	}
}

// Goroutines may use an Inherited at the same time. Each socket goes to one of them.
func TestInheritedSocketsGoToOneCaller(t *testing.T) {
	in, addr := passed(t, 4)
	n, _ := findNetwork("tcp", true)
	b, err := binding(kernel.Host, n, addr)
	if err != nil {
		t.Fatal(err)
	}
	var used [3]int
	var all sync.WaitGroup
	all.Go(func() { used[0], _ = in.Ready() })
	all.Go(func() {
		for _, f := range in.Unused() {
			used[1]++
			_ = f.Close()
		}
	})
	all.Go(func() {
		list := in.take(kernel.SOCK_STREAM, b)
		used[2] = len(list)
		closeInherited(kernel.Host, list)
	})
	all.Wait()
	if used[0]+used[1]+used[2] != 4 {
		t.Errorf("4 sockets went to %d", used)
	}
}
