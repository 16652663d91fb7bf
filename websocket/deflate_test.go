package websocket

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A squeezer is the other side's permessage-deflate, written after the RFC and independent of the
// package.
type squeezer struct {
	takeover bool
	w        *flate.Writer
	out      bytes.Buffer
	window   []byte // the received data
	receives bool   // with context takeover
}

func (s *squeezer) squeeze(t testing.TB, p string) string {
	if s.w == nil || !s.takeover {
		s.w, _ = flate.NewWriter(&s.out, 9)
	}
	s.out.Reset()
	_, _ = s.w.Write([]byte(p))
	_ = s.w.Flush()
	b, found := strings.CutSuffix(s.out.String(), "\x00\x00\xff\xff")
	if !found {
		t.Fatal("no empty block")
	}
	return b
}

func (s *squeezer) expand(t testing.TB, p []byte) string {
	t.Helper()
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")), s.window)
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if s.receives {
		s.window = append(s.window, out...)
		s.window = s.window[max(0, len(s.window)-windowSize):]
	}
	return string(out)
}

const extensionField = "Sec-WebSocket-Extensions"

// Autobahn groups 12 and 13: messages of each size, with each set of parameters that a client may
// offer. The server answers with the parameters that it supports, and the messages follow the
// answer.
func TestCompressedMessages(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	// The values are the answers of a Server without and with Takeover.
	offers := map[string]struct{ plain, takeover string }{
		"permessage-deflate": {"; server_no_context_takeover; client_no_context_takeover", ""},
		"permessage-deflate; client_no_context_takeover; client_max_window_bits":                             {"; server_no_context_takeover; client_no_context_takeover", "; client_no_context_takeover"},
		"permessage-deflate; server_no_context_takeover":                                                     {"; server_no_context_takeover; client_no_context_takeover", "; server_no_context_takeover"},
		"permessage-deflate; server_max_window_bits=9":                                                       {"; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9", "; server_no_context_takeover; server_max_window_bits=9"},
		"permessage-deflate; server_max_window_bits=15; server_no_context_takeover":                          {"; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15", "; server_no_context_takeover; server_max_window_bits=15"},
		"x-other, permessage-deflate; server_max_window_bits=99, permessage-deflate; client_max_window_bits": {"; server_no_context_takeover; client_no_context_takeover", ""},
	}
	for _, takeover := range []bool{false, true} {
		b := echoes(t, WithCompression(Compression{Takeover: takeover, Least: 1}))
		for offer, answers := range offers {
			want := answers.plain
			if takeover {
				want = answers.takeover
			}
			p := b.connect(extensionField + ": " + offer)
			if got := p.res.Header.Get(extensionField); got != "permessage-deflate"+want {
				t.Errorf("%s: the answer is %q, want %q", offer, got, want)
			}
			sq := squeezer{takeover: !strings.Contains(want, "client_no"), receives: !strings.Contains(want, "server_no")}
			small := strings.Contains(want, "bits=9")
			for _, n := range []int{0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072} {
				for i := range longtest.Count(1, 3, 100) {
					m := strings.Repeat(fmt.Sprint("some text ", i, " "), n/12+1)[:n]
					s := sq.squeeze(t, m)
					if i%2 == 0 || len(s) < 3 {
						p.send(masked(fin|text|bitRSV1, s))
					} else {
						p.send(masked(text|bitRSV1, s[:1]))
						p.send(masked(ping, ""))
						p.send(masked(fin|cont, s[1:]))
						p.want(pong, "")
					}
					g := p.read()
					if compressed := g.b0 == fin|text|bitRSV1; compressed != (n > 0) {
						t.Fatalf("%d bytes: %v", n, g)
					}
					if n > 0 {
						if small {
							checkDistances(t, g.p, 512)
						}
						g.p = []byte(sq.expand(t, g.p))
					}
					if string(g.p) != m {
						t.Fatalf("%s: %d bytes come back as %d others", offer, n, len(g.p))
					}
				}
			}
			p.send(masked(fin|text, "not compressed"))
			if g := p.read(); g.b0 != fin|text|bitRSV1 || sq.expand(t, g.p) != "not compressed" {
				t.Errorf("a message that is not compressed: %v", g)
			}
		}
	}
}

// checkDistances checks that no piece of a message refers further back than the window. To check
// this, it expands each flushed block alone.
func checkDistances(t *testing.T, p []byte, window int) {
	t.Helper()
	for piece := range bytes.SplitSeq(p, []byte("\x00\x00\xff\xff")) {
		r := flate.NewReader(io.MultiReader(bytes.NewReader(piece), strings.NewReader(lastly)))
		out, err := io.ReadAll(r)
		if err != nil || len(out) > window {
			t.Fatalf("a piece of %d bytes, %v, for a window of %d", len(out), err, window)
		}
	}
}

// Each violation ends the connection with its code. Examples are a compressed frame without the
// extension, RSV1 on a continuation or control frame, and a decompression bomb. Data that cannot be
// inflated and text that is not UTF-8 are violations too.
func TestBadCompression(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	var sq squeezer
	zip := func(p string) string { return sq.squeeze(t, p) }
	bomb := zip(strings.Repeat("\x00", 4<<20))
	end := "\x03\x00" // an empty last block
	run(t, echoes(t), script{"not negotiated", all(frame(fin|text|bitRSV1, zip("x"))), nil, ProtocolError})
	b := echoes(t, WithCompression(Compression{Least: 1000}))
	for _, s := range []script{
		{"continuation", all(frame(text|bitRSV1, zip("x")), frame(fin|cont|bitRSV1, "")), nil, ProtocolError},
		{"ping", all(frame(ping|bitRSV1, zip("x"))), nil, ProtocolError},
		{"garbage", all(frame(fin|text|bitRSV1, "\xff\xff\xff\xff")), nil, InvalidData},
		{"distance", all(frame(fin|text|bitRSV1, "\x83\x71\x00")), nil, InvalidData},
		{"not text", all(frame(fin|text|bitRSV1, zip("\xff"))), nil, InvalidData},
		{"text in binary", all(frame(fin|bin|bitRSV1, zip("\xff"))), []got{answer(fin|bin, "\xff")}, 0},
		{"bomb", all(frame(fin|bin|bitRSV1, bomb)), nil, TooBig},
		{"bomb in fragments", all(frame(bin|bitRSV1, bomb[:100]), frame(fin|cont, bomb[100:])), nil, TooBig},
		{"a last block", all(frame(fin|text|bitRSV1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00")), []got{answer(fin|text, "Hello")}, 0},
		{"some last blocks", all(frame(fin|text|bitRSV1, strings.Repeat(end, 10)+zip("x"))), []got{answer(fin|text, "x")}, 0},
		{"too many last blocks", all(frame(fin|text|bitRSV1, strings.Repeat(end, 1000)+zip("x"))), nil, PolicyViolation},
		{"stored", all(frame(fin|text|bitRSV1, "\x00\x05\x00\xfa\xffHello\x00")), []got{answer(fin|text, "Hello")}, 0},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := (&lab{TB: t, at: b.at}).connect(extensionField + ": permessage-deflate")
			p.send([]byte(s.send[0]))
			for _, w := range s.want {
				p.want(w.b0, string(w.p))
			}
			if s.code != 0 {
				p.wantClose(s.code)
			}
		})
	}
}

// A message with exactly the allowed size is delivered, and a message with one byte more is
// refused. The messages are plain, fragmented or compressed.
func TestMessageLimit(t *testing.T) {
	const most = 10_000
	b := echoes(t, WithMaxMessage(most), WithMaxFrame(most-1), WithCompression(Compression{Least: most * 2}))
	var sq squeezer
	zip := func(n int) string { return sq.squeeze(t, rep("x", n)) }
	for _, s := range []script{
		{"frame", all(frame(fin|bin, rep("x", most-1))), []got{answer(fin|bin, rep("x", most-1))}, 0},
		{"frame too big", all(frame(fin|bin, rep("x", most))), nil, TooBig},
		{"fragments", all(frame(bin, rep("x", most-1)), frame(fin|cont, "x")), []got{answer(fin|bin, rep("x", most))}, 0},
		{"fragments too big", all(frame(bin, rep("x", most-1)), frame(fin|cont, "xx")), nil, TooBig},
		{"compressed", all(frame(fin|bin|bitRSV1, zip(most))), []got{answer(fin|bin, rep("x", most))}, 0},
		{"compressed too big", all(frame(fin|bin|bitRSV1, zip(most+1))), nil, TooBig},
		{"announced only", []string{string(masked(fin|bin, rep("x", most))[:8])}, nil, TooBig},
		{"announced 1<<62", []string{"\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00abcd"}, nil, TooBig},
		{"announced 1<<63", []string{"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00abcd"}, nil, ProtocolError},
		{"length not minimal", []string{"\x82\xfe\x00\x05abcdhello"}, nil, ProtocolError},
		{"long length not minimal", []string{"\x82\xff\x00\x00\x00\x00\x00\x00\x01\x00abcd"}, nil, ProtocolError},
		{"not masked", []string{"\x82\x05hello"}, nil, ProtocolError},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := (&lab{TB: t, at: b.at}).connect(extensionField + ": permessage-deflate")
			p.send([]byte(s.send[0]))
			for _, w := range s.want {
				p.want(w.b0, string(w.p))
			}
			if s.code != 0 {
				p.wantClose(s.code)
			}
		})
	}
}
