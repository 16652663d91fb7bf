//go:build unix

package websocket

import (
	"bufio"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// turns makes a server with the Handler h, whose loop the test turns itself. connect returns a
// client after its handshake.
func turns(t testing.TB, h Handler, opts ...Option) (r *reactor.Reactor, connect func(more ...string) *peer) {
	t.Helper()
	s, err := NewServer(func(*Request) Handler { return h }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = reactor.New(); err != nil {
		t.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", s.Accept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		for r.Turn(r.Now()+1e6) == nil {
		}
	})
	return r, func(more ...string) *peer {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		p := &peer{TB: t, Conn: c, in: bufio.NewReader(c)}
		p.send([]byte(request(more...)))
		for p.in.Buffered() == 0 {
			if err := r.Turn(r.Now() + 1e6); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, _ = p.in.Peek(1)
		}
		_ = c.SetReadDeadline(time.Time{})
		p.answer()
		return p
	}
}

// exchange sends b and reads n bytes of answers.
func (p *peer) exchange(r *reactor.Reactor, b, room []byte) {
	p.send(b)
	for got := 0; got < len(room); {
		if err := r.Turn(r.Now()); err != nil {
			p.Fatal(err)
		}
		_ = p.SetReadDeadline(time.Now().Add(time.Millisecond))
		k, _ := p.Read(room[got:])
		got += k
	}
}

// A message allocates nothing: whole, in fragments, in several reads, compressed, or many in one
// read. A ping allocates nothing either.
func TestMessagesDoNotAllocate(t *testing.T) {
	if raceEnabled || !longtest.Measures(t) {
		return
	}
	var sq squeezer
	for _, c := range []struct {
		name       string
		send       string
		answer     int
		compressed bool
	}{
		{"64 bytes", frame(fin|text, rep("x", 64)), 66, false},
		{"16 of 64 bytes", rep(frame(fin|text, rep("é", 32)), 16), 16 * 66, false},
		{"16 KiB", frame(fin|bin, rep("x", 16<<10)), 4 + 16<<10, false},
		{"100 KiB", frame(fin|bin, rep("x", 60<<10)), 4 + 60<<10, false},
		{"fragments", frame(text, rep("é", 500)) + frame(ping, "x") + frame(fin|cont, "x"), 3 + 4 + 1001, false},
		{"ping", frame(ping, "hello"), 7, false},
		{"compressed", frame(fin|text|bitRSV1, sq.squeeze(t, rep("0123456789", 50))), 2 + 500 + 2, true},
	} {
		r, connect := turns(t, &funcs{message: echo}, WithCompression(Compression{Least: 501}))
		var more []string
		if c.compressed {
			more = append(more, extensionField+": permessage-deflate")
		}
		p := connect(more...)
		room := make([]byte, c.answer)
		for range 30 {
			p.exchange(r, []byte(c.send), room) // at first the pools grow
		}
		b := []byte(c.send)
		if allocs := testing.AllocsPerRun(longtest.Count(100, 200, 200), func() { p.exchange(r, b, room) }); allocs >= 1 {
			t.Errorf("%s: %v allocations", c.name, allocs)
		}
	}
}

// Sends of a client and compressed sends do not allocate.
func TestSendsDoNotAllocate(t *testing.T) {
	if raceEnabled || !longtest.Measures(t) {
		return
	}
	for name, opts := range map[string][]Option{"plain": nil, "deflate": {WithCompression(Compression{})}, "takeover": {WithCompression(Compression{Takeover: true})}} {
		ready := make(chan *Conn, 1)
		n := 0
		got := make(chan int, 1)
		b := serve(t, func(*Request) Handler {
			return &funcs{message: func(_ *Conn, _ Kind, p []byte) {
				if n++; n%300 == 0 {
					got <- n
				}
			}}
		}, opts...)
		b.on(func() {
			_, err := Dial(b.r, "ws://"+b.at, &funcs{opened: func(c *Conn) { ready <- c }}, opts...)
			if err != nil {
				t.Error(err)
			}
		})
		c := <-ready
		p := repeat("some text, ", 100)
		send := func() {
			for range 300 {
				if err := c.Send(Text, p); err != nil {
					t.Error(err)
				}
			}
		}
		for range 3 {
			b.on(send)
			<-got
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.on(send)
		<-got
		runtime.ReadMemStats(&after)
		if mallocs := after.Mallocs - before.Mallocs; mallocs > 100 {
			t.Errorf("%s: %d allocations for 300 messages", name, mallocs)
		}
	}
}

// A quiet connection and its reactor.Conn use at most 350 bytes of heap, or 560 with WithPing.
// Before the measurement each connection receives messages, some with compression but without
// context takeover. The clients are plain descriptors, which use no heap.
func TestQuietConnectionsAreSmall(t *testing.T) {
	if !longtest.Default(t, "hundreds of connections") {
		return
	}
	if raceEnabled || !longtest.Measures(t) {
		return
	}
	n := longtest.Count(300, 400, 4000)
	var sq squeezer
	for _, c := range []struct {
		name, ask, work string
		opts            []Option
	}{
		{"plain", request(), frame(bin, rep("x", 3000)) + frame(ping, "x") + frame(fin|cont, "x"), nil},
		{"deflate", request(extensionField + ": permessage-deflate"), frame(fin|text|bitRSV1, sq.squeeze(t, "short")), []Option{WithCompression(Compression{})}},
		{"ping", request(), frame(ping, "x"), []Option{WithPing(time.Hour)}},
	} {
		held := uint64(0)
		for _, many := range []int{10, n} { // the first run grows the shared memory
			held = quietHeap(t, many, c.ask, c.work, c.opts) / uint64(many)
		}
		t.Logf("%s: %d bytes a connection", c.name, held)
		if most := map[bool]uint64{false: 350, true: 560}[c.name == "ping"]; held > most {
			t.Errorf("%s: %d bytes a connection, more than %d", c.name, held, most)
		}
	}
}

// quietHeap returns how much the heap of a server has grown with n connections.
func quietHeap(t *testing.T, n int, ask, work string, opts []Option) uint64 {
	r, connect := turns(t, quiet{}, opts...)
	at, err := netip.ParseAddrPort(connect().RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 8<<10)
	fds := make([]int, n)
	before := heap()
	for i := range fds {
		if fds[i], err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
			err = unix.Connect(fds[i], &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()})
		}
		for _, s := range []string{ask, work} {
			if err != nil {
				t.Fatal(err)
			}
			_, err = unix.Write(fds[i], []byte(s))
			for k := 0; k < 1; {
				_ = r.Turn(r.Now())
				k, _, _ = unix.Recvfrom(fds[i], room, unix.MSG_DONTWAIT)
			}
		}
	}
	for range 10 {
		_ = r.Turn(r.Now())
	}
	held := heap() - before
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
	return held
}

type quiet struct{}

func (quiet) Message(c *Conn, kind Kind, p []byte) { echo(c, kind, p) }
func (quiet) Closed(*Conn, error)                  {}

func heap() uint64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A serverShake is garbage as soon as its Conn is made. Objects of one size class share pages. If a
// serverShake and a Conn had the same size class, the garbage would leave half of each page empty.
func TestAShakeIsOfAnotherSizeClassThanAConn(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 64 {
		t.Errorf("a Conn has %d bytes: move what few Conns need behind a pointer", n)
	}
	if n := unsafe.Sizeof(serverShake{}); n <= 64 {
		t.Errorf("a serverShake has %d bytes, which is the class of a Conn", n)
	}
}
