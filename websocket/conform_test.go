package websocket

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// The tests of this file check the behaviour of a server that the Autobahn test suite checks. The
// tests have the numbers of Autobahn's published list of cases, but not Autobahn's code.

// A script contains the actions of one client.
type script struct {
	name string
	send []string // each element is one write
	want []got
	code Code // of the server's Close; 0: the client closes with Normal
}

func run(t *testing.T, b *lab, scripts ...script) {
	t.Helper()
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			at := *b
			at.TB = t
			p := at.connect()
			for _, w := range s.send {
				if _, err := p.Write([]byte(w)); err != nil {
					break // the server has already closed
				}
			}
			for _, w := range s.want {
				p.want(w.b0, string(w.p))
			}
			if s.code != 0 {
				p.wantClose(s.code)
				return
			}
			p.send(masked(closo, closing(Normal, "")))
			p.wantClose(Normal)
		})
	}
}

func echo(c *Conn, kind Kind, p []byte) {
	if errors.Is(c.Send(kind, p), reactor.ErrBuffered) {
		panic("the client waits: its message is above the limit of the output")
	}
}

func frame(b0 byte, p string) string { return string(masked(b0, p)) }
func answer(b0 byte, p string) got   { return got{b0, []byte(p)} }
func all(frames ...string) []string  { return []string{strings.Join(frames, "")} }
func rep(s string, n int) string     { return strings.Repeat(s, n) }
func chop(s string, n int) (c []string) {
	for ; len(s) > n; s = s[n:] {
		c = append(c, s[:n])
	}
	return append(c, s)
}

// Autobahn group 1: messages of each size, and one of 65,536 bytes in pieces.
func TestFraming(t *testing.T) {
	b := echoes(t)
	for i, kind := range []byte{fin | text, fin | bin} {
		for j, n := range []int{0, 125, 126, 127, 128, 65535, 65536} {
			m := rep("*", n)
			run(t, b, script{fmt.Sprintf("1.%d.%d", i+1, j+1), all(frame(kind, m)), []got{answer(kind, m)}, 0})
		}
		m := rep("*", 65536)
		run(t, b, script{fmt.Sprintf("1.%d.8", i+1), chop(frame(kind, m), 997), []got{answer(kind, m)}, 0})
	}
}

// Autobahn group 2: each ping is answered with its payload, in order. Pongs are ignored.
func TestPings(t *testing.T) {
	b := echoes(t)
	odd := "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
	var ten []string
	var tenPongs []got
	for i := range 10 {
		ten = append(ten, frame(ping, fmt.Sprint("payload ", i)))
		tenPongs = append(tenPongs, answer(pong, fmt.Sprint("payload ", i)))
	}
	run(t, b,
		script{"2.1", all(frame(ping, "")), []got{answer(pong, "")}, 0},
		script{"2.2", all(frame(ping, "Hello, world!")), []got{answer(pong, "Hello, world!")}, 0},
		script{"2.3", all(frame(ping, odd)), []got{answer(pong, odd)}, 0},
		script{"2.4", all(frame(ping, rep("\xfe", 125))), []got{answer(pong, rep("\xfe", 125))}, 0},
		script{"2.5", all(frame(ping, rep("\xfe", 126))), nil, ProtocolError},
		script{"2.6", chop(frame(ping, rep("\xfe", 125)), 1), []got{answer(pong, rep("\xfe", 125))}, 0},
		script{"2.7", all(frame(pong, "")), nil, 0},
		script{"2.8", all(frame(pong, "unsolicited")), nil, 0},
		script{"2.9", all(frame(pong, "unsolicited"), frame(ping, "ping")), []got{answer(pong, "ping")}, 0},
		script{"2.10", all(ten...), tenPongs, 0},
		script{"2.11", chop(strings.Join(ten, ""), 1), tenPongs, 0},
	)
}

// Autobahn group 3: a reserved bit ends the connection. Earlier messages are answered.
func TestReservedBits(t *testing.T) {
	b := echoes(t)
	hello := frame(fin|text, "Hello, world!")
	said := []got{answer(fin|text, "Hello, world!")}
	run(t, b,
		script{"3.1", all(frame(fin|text|0x10, "Hello")), nil, ProtocolError},
		script{"3.2", all(hello, frame(fin|text|0x20, "Hello"), frame(ping, "")), said, ProtocolError},
		script{"3.3", []string{hello, frame(fin|text|0x30, "Hello"), frame(ping, "")}, said, ProtocolError},
		script{"3.4", chop(hello+frame(fin|text|0x40, "Hello")+frame(ping, ""), 1), said, ProtocolError},
		script{"3.5", all(frame(fin|bin|0x50, rep("\xff", 8))), nil, ProtocolError},
		script{"3.6", all(frame(ping|0x60, "Hello")), nil, ProtocolError},
		script{"3.7", all(frame(closo|0x70, "")), nil, ProtocolError},
	)
}

// Autobahn group 4: reserved opcodes of data frames and of control frames end the connection.
func TestReservedOpcodes(t *testing.T) {
	b := echoes(t)
	hello := frame(fin|text, "Hello, world!")
	said := []got{answer(fin|text, "Hello, world!")}
	for i := range 5 {
		for s, first := range []byte{3, 11} {
			name := fmt.Sprintf("4.%d.%d", s+1, i+1)
			op := fin | first + byte(i)
			run(t, b,
				script{name, all(frame(op, "")), nil, ProtocolError},
				script{name + " after a message", all(hello, frame(op, "payload"), frame(ping, "")), said, ProtocolError},
				script{name + " in octets", chop(hello+frame(op, "payload")+frame(ping, ""), 1), said, ProtocolError},
			)
		}
	}
}

// Autobahn group 5: fragments, with control frames between them.
func TestFragments(t *testing.T) {
	b := echoes(t)
	a, z := frame(text, "fragment1"), frame(fin|cont, "fragment2")
	both := answer(fin|text, "fragment1fragment2")
	p, q := frame(ping, "ping"), answer(pong, "ping")
	many := []string{}
	var answers []got
	for i := range 8 {
		b0 := byte(cont)
		if i == 0 {
			b0 = text
		}
		if i == 7 {
			b0 |= fin
		}
		many = append(many, frame(b0, fmt.Sprint("fragment", i)), p)
		answers = append(answers, q)
	}
	answers = append(answers[:7:7], answer(fin|text, "fragment0fragment1fragment2fragment3fragment4fragment5fragment6fragment7"), q)
	run(t, b,
		script{"5.1", []string{frame(9, "fragment1"), frame(fin|cont, "fragment2")}, nil, ProtocolError},
		script{"5.2", []string{frame(10, "fragment1"), frame(fin|cont, "fragment2")}, nil, ProtocolError},
		script{"5.3", []string{a, z}, []got{both}, 0},
		script{"5.4", all(a, z), []got{both}, 0},
		script{"5.5", chop(a+z, 1), []got{both}, 0},
		script{"5.6", []string{a, p, z}, []got{q, both}, 0},
		script{"5.7", all(a, p, z), []got{q, both}, 0},
		script{"5.8", chop(a+p+z, 1), []got{q, both}, 0},
		script{"5.9", []string{frame(fin|cont, "non-continuation"), frame(fin|text, "Hello")}, nil, ProtocolError},
		script{"5.11", chop(frame(fin|cont, "non-continuation")+frame(fin|text, "Hello"), 1), nil, ProtocolError},
		script{"5.12", all(frame(cont, "non-continuation"), frame(fin|text, "Hello")), nil, ProtocolError},
		script{"5.15", []string{a, z, frame(cont, "fragment3"), frame(fin|text, "fragment4")}, []got{both}, ProtocolError},
		script{"5.16", all(frame(cont, "fragment1"), a, z), nil, ProtocolError},
		script{"5.17", all(frame(fin|cont, "fragment1"), a, z), nil, ProtocolError},
		script{"5.18", all(a, frame(fin|text, "fragment2")), nil, ProtocolError},
		script{"5.19", all(many...), answers, 0},
		script{"5.20", many, answers, 0},
	)
}

// Autobahn group 7: the close handshake.
func TestCloses(t *testing.T) {
	b := echoes(t)
	hello := frame(fin|text, "Hello, world!")
	said := []got{answer(fin|text, "Hello, world!")}
	bye := frame(closo, closing(Normal, ""))
	run(t, b,
		script{"7.1.1", all(hello, bye), said, Normal},
		script{"7.1.2", all(bye, bye), nil, Normal},
		script{"7.1.3", all(bye, frame(ping, "after")), nil, Normal},
		script{"7.1.4", all(bye, hello), nil, Normal},
		script{"7.1.5", all(frame(text, "fragment1"), bye, frame(fin|cont, "fragment2")), nil, Normal},
		script{"7.1.6", all(frame(fin|text, rep("BAsd7&jh23", 26*1024)), hello, bye, frame(ping, "")), []got{answer(fin|text, rep("BAsd7&jh23", 26*1024)), said[0]}, Normal},
		script{"7.3.1", all(frame(closo, "")), nil, NoStatus},
		script{"7.3.2", all(frame(closo, "a")), nil, ProtocolError},
		script{"7.3.3", all(bye), nil, Normal},
		script{"7.3.4", all(frame(closo, closing(Normal, "Hello World!"))), nil, Normal},
		script{"7.3.5", all(frame(closo, closing(Normal, rep("*", 123)))), nil, Normal},
		script{"7.3.6", all(frame(closo, closing(Normal, rep("*", 124)))), nil, ProtocolError},
		script{"7.5.1", all(frame(closo, closing(Normal, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"))), nil, InvalidData},
	)
	for i, c := range []Code{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		run(t, b, script{fmt.Sprint("7.7.", i+1), all(frame(closo, closing(c, ""))), nil, c})
	}
	for i, c := range []Code{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535} {
		run(t, b, script{fmt.Sprint("7.9.", i+1), all(frame(closo, closing(c, ""))), nil, ProtocolError})
	}
}

// Autobahn group 9: large messages, in frames, fragments and pieces of each size. Without -long
// they are smaller.
func TestLarge(t *testing.T) {
	// A Send above the limit of the output would fail.
	limit := []reactor.ListenOption{reactor.WithLimits(64<<10, 256<<10, 32<<20)}
	b := serveWith(t, func(*Request) Handler { return &funcs{message: echo} }, limit, WithMaxMessage(16<<20))
	most := longtest.Count(128<<10, 1<<20, 16<<20)
	for kind, letter := range map[byte]string{text: "é", bin: "\xff"} {
		m := rep(letter, most/len(letter))
		run(t, b, script{"9.1", all(frame(fin|kind, m)), []got{answer(fin|kind, m)}, 0})
		m = m[:most/4]
		for size := 64; size <= len(m); size *= 4 {
			var fragments []string
			b0 := kind
			for _, part := range chop(m, size) {
				fragments = append(fragments, frame(b0, part))
				b0 = cont
			}
			fragments = append(fragments, frame(fin|cont, ""))
			run(t, b, script{fmt.Sprint("9.3 ", size), all(fragments...), []got{answer(fin|kind, m)}, 0})
		}
		for size := 64; size <= 1024; size *= 2 {
			run(t, b, script{fmt.Sprint("9.5 ", size), chop(frame(fin|kind, m[:min(len(m), 64<<10)]), size), []got{answer(fin|kind, m[:min(len(m), 64<<10)])}, 0})
		}
	}
	for _, n := range []int{0, 16, 64, 256, 1024} { // 9.7, 9.8
		p := b.connect()
		for range longtest.Count(20, 100, 1000) {
			p.send(masked(fin|text, rep("*", n)))
			p.want(fin|text, rep("*", n))
		}
	}
}

// Autobahn group 10: a client cuts a message into fragments of 1,300 bytes.
func TestAutoFragments(t *testing.T) {
	b := echoes(t)
	m := rep("*", 65536)
	var fragments []string
	for i, part := range chop(m, 1300) {
		b0 := byte(cont)
		if i == 0 {
			b0 = text
		}
		if (i+1)*1300 >= len(m) {
			b0 |= fin
		}
		fragments = append(fragments, frame(b0, part))
	}
	run(t, b, script{"10.1.1", all(fragments...), []got{answer(fin|text, m)}, 0})
}

// A text that cannot become valid UTF-8 any more ends the connection at once, in a frame or in a
// fragment. The client sends no further byte (Autobahn 6.4).
func TestTextFailsEarly(t *testing.T) {
	b := echoes(t)
	good, bad := "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", "\xf4\x90\x80\x80"
	whole := frame(fin|text, good+bad+"edited")
	run(t, b,
		script{"6.4.1", []string{frame(text, good), frame(cont, bad)}, nil, InvalidData},
		script{"6.4.2", []string{frame(text, good+bad[:1]), frame(cont, bad[1:2])}, nil, InvalidData},
		script{"6.4.3", []string{whole[:6+len(good)], whole[6+len(good) : 6+len(good)+4]}, nil, InvalidData},
		script{"6.4.4", []string{whole[:6+len(good)+1], whole[6+len(good)+1 : 6+len(good)+2]}, nil, InvalidData},
	)
}

// A peer violates the protocol and continues to send. It still receives the Close frame, because
// the server reads the rest of the input.
func TestCloseArrivesThoughThePeerSends(t *testing.T) {
	b := echoes(t)
	p := b.connect()
	p.send([]byte(frame(fin|text|0x10, "x") + rep(frame(fin|bin, rep("x", 60_000)), 50)))
	_ = p.SetReadDeadline(time.Now().Add(long))
	p.wantClose(ProtocolError)
}
