package websocket

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/ureactor/ureactor/internal/longtest"
)

// model decodes the whole stream of a client as RFC 6455 describes, without regard to speed. It
// returns the messages and control frames, and the code with which a server must fail.
func model(p []byte, most int, deflates bool) (events []string, code Code) {
	message, kind, compressed := []byte(nil), opcode(0), false
	for len(p) >= 2 {
		fin, rsv1, rsv, op := p[0]&0x80 != 0, p[0]&0x40 != 0, p[0]&0x30 != 0, opcode(p[0]&15)
		isMasked, n, size := p[1]&0x80 != 0, uint64(p[1]&127), 2
		minimal := true
		switch n {
		case 126:
			size += 2
		case 127:
			size += 8
		}
		if isMasked {
			size += 4
		}
		if len(p) < size {
			return events, 0
		}
		switch n {
		case 126:
			n = uint64(binary.BigEndian.Uint16(p[2:]))
			minimal = n > 125
		case 127:
			n = binary.BigEndian.Uint64(p[2:])
			minimal = n > 65535 && n < 1<<63
		}
		control := op >= 8
		known := op <= 2 || op >= 8 && op <= 10
		switch {
		case rsv, !known, !isMasked, !minimal, control && (!fin || n > 125 || rsv1):
			return events, ProtocolError
		case !control && (op == 0) != (kind != 0):
			return events, ProtocolError
		case rsv1 && (op == 0 || !deflates):
			return events, ProtocolError
		case !control && n > uint64(most-len(message)):
			return events, TooBig
		}
		key := p[size-4 : size]
		there := min(n, uint64(len(p)-size))
		payload := make([]byte, there)
		for i := range payload {
			payload[i] = p[size+i] ^ key[i%4]
		}
		p = p[size+int(there):]
		if control {
			if there == n {
				events = append(events, fmt.Sprintf("%d %x", op, payload))
			}
			continue
		}
		if op != 0 {
			kind, compressed = op, rsv1
		}
		message = append(message, payload...)
		if kind == opText && !compressed && !beginsText(message) {
			return events, InvalidData
		}
		if there < n {
			return events, 0
		}
		if !fin {
			continue
		}
		if compressed {
			if message, code = expand(message, most); code != 0 {
				return events, code
			}
		}
		if kind == opText && !utf8.Valid(message) {
			return events, InvalidData
		}
		events = append(events, fmt.Sprintf("%d %x", kind, message))
		message, kind = nil, 0
	}
	return events, 0
}

// expand decompresses a message. Up to maxEnds blocks of the message may end the stream.
func expand(p []byte, most int) (out []byte, code Code) {
	in := bytes.NewReader(append(bytes.Clone(p), lastly...))
	for ends := 0; in.Len() > 0; ends++ {
		if ends > maxEnds {
			return nil, PolicyViolation
		}
		more, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(in, out[max(0, len(out)-windowSize):]), int64(most-len(out))+1))
		switch out = append(out, more...); {
		case len(out) > most:
			return nil, TooBig
		case err != nil:
			return nil, InvalidData
		}
	}
	return out, 0
}

// beginsText reports whether a text may begin with p.
func beginsText(p []byte) bool {
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			return len(p) < 4 && canBegin(p)
		}
		p = p[n:]
	}
	return true
}

// decoded returns the decoder's results for the stream in the pieces of cut.
func decoded(stream []byte, most int, deflates bool, cut func() int) (events []string, code Code) {
	set, err := newSettings(true, []Option{WithMaxMessage(most), WithCompression(Compression{})})
	if err != nil {
		panic(err)
	}
	d := decoder{set: set}
	if deflates {
		d.z = set.shared
	}
	for len(stream) > 0 {
		n := min(max(cut(), 1), len(stream))
		piece := bytes.Clone(stream[:n])
		for stream = stream[n:]; len(piece) > 0; {
			rest, op, p, bad := d.next(piece)
			if bad != nil {
				return events, bad.Code
			}
			if piece = rest; op != opNone {
				events = append(events, fmt.Sprintf("%d %x", op, p))
			}
		}
		d.settle()
	}
	if d.part != nil && d.part.idle() {
		panic("a decoder between messages holds memory")
	}
	return events, 0
}

func agree(t *testing.T, stream []byte, most int, deflates bool, cut func() int) {
	t.Helper()
	want, wantCode := model(bytes.Clone(stream), most, deflates)
	got, code := decoded(stream, most, deflates, cut)
	if code != wantCode || !slices.Equal(got, want) {
		t.Fatalf("% x:\n got %v, %v\nwant %v, %v", stream, got, code, want, wantCode)
	}
}

// FuzzDecoder compares the decoder with the model on any stream, cut into any pieces.
func FuzzDecoder(f *testing.F) {
	var sq squeezer
	for i, s := range []string{
		frame(fin|text, "hello") + frame(ping, "x") + frame(closo, "\x03\xe8"),
		frame(text, "h\xc3") + frame(pong, "") + frame(cont, "\xa9") + frame(fin|cont, ""),
		frame(fin|bin, rep("x", 200)) + frame(fin|text, "\xff"),
		frame(fin|text|bitRSV1, sq.squeeze(f, "hello hello hello")),
		frame(fin|bin, rep("x", 70_000)),
	} {
		f.Add([]byte(s), byte(i), i%2 == 1)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut byte, deflates bool) {
		agree(t, stream, 1000, deflates, func() int { return int(cut) })
	})
}

// The decoder agrees with the model on random streams in random pieces. Most of the streams are
// almost correct.
func TestDecoderAgreesWithTheModel(t *testing.T) {
	for seed := range longtest.Seeds(t, 60, 500, 100_000) {
		rng := rand.New(rand.NewPCG(seed, 22))
		deflates := rng.IntN(2) == 0
		agree(t, randomStream(t, rng, deflates), 3000, deflates, func() int { return 1 + rng.IntN(1+rng.IntN(100)) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func randomStream(t *testing.T, rng *rand.Rand, deflates bool) (b []byte) {
	var sq squeezer
	within := false
	for range 1 + rng.IntN(8) {
		p := randomText(rng)
		op := []byte{text, bin, text, bin, text, 8, 9, 10}[rng.IntN(8)]
		rsv := byte(0)
		last := byte(fin)
		switch {
		case op >= 8:
			p = p[:min(len(p), 125)]
		case within:
			op = cont
		case deflates && rng.IntN(2) == 0:
			p, rsv = []byte(sq.squeeze(t, string(p))), bitRSV1
		}
		if op < 8 {
			if within = rng.IntN(3) == 0; within {
				last = 0
			}
		}
		if rng.IntN(40) == 0 {
			op = byte(rng.IntN(16))
		}
		if rng.IntN(40) == 0 {
			rsv ^= byte(1+rng.IntN(7)) << 4
		}
		key := binary.LittleEndian.AppendUint32(nil, rng.Uint32())
		if rng.IntN(60) == 0 {
			key = nil
		}
		b = append(b, encode(last|rsv|op, p, key)...)
	}
	if rng.IntN(4) == 0 {
		b = b[:rng.IntN(len(b)+1)]
	}
	if rng.IntN(4) == 0 && len(b) > 0 {
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	}
	return b
}

func randomText(rng *rand.Rand) (p []byte) {
	for range rng.IntN(1 + rng.IntN(300)) {
		p = utf8.AppendRune(p, []rune{'a', 'é', '€', '\U0010ffff'}[rng.IntN(4)])
	}
	if len(p) > 0 && rng.IntN(8) == 0 {
		p = p[:rng.IntN(len(p))] // this may cut a character
	}
	return p
}
