package websocket

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ureactor/ureactor/internal/longtest"
)

// The incremental check agrees with package utf8 on each string of up to three of the test's bytes.
// The same holds for some strings of four bytes, and for pieces of every size. The check fails at
// the first byte after which no valid text is possible.
func TestTextCheckAgreesWithPackageUTF8(t *testing.T) {
	check := func(s []byte, cut int) (failed int, whole bool) {
		var c textCheck
		for i := 0; i < len(s); i += cut {
			if !c.write(s[i:min(i+cut, len(s))]) {
				return i, false
			}
		}
		return -1, c.whole()
	}
	test := func(s []byte) {
		for cut := 1; cut <= len(s); cut++ {
			failed, whole := check(s, cut)
			if valid := utf8.Valid(s); whole != valid {
				t.Fatalf("% x in pieces of %d: %v, %v; package utf8: %v", s, cut, failed, whole, valid)
			}
			if cut == 1 && failed >= 0 && canBegin(s[:failed+1]) {
				t.Fatalf("% x fails at byte %d, though a text may begin so", s, failed)
			}
			if cut == 1 && failed < 0 && !whole && !canBegin(s) {
				t.Fatalf("% x does not fail, though no text begins so", s)
			}
		}
	}
	edges := []byte{0, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFC, 0xFE, 0xFF}
	if longtest.On() {
		edges = nil
		for b := range 256 {
			edges = append(edges, byte(b))
		}
	}
	for _, a := range edges {
		test([]byte{a})
		for _, b := range edges {
			test([]byte{a, b})
			for _, c := range edges {
				test([]byte{a, b, c})
				test([]byte{a, b, c, 0x80})
				test([]byte{a, b, c, 0xC2})
				test([]byte{'x', a, b, c})
			}
		}
	}
}

// canBegin reports whether s can be the beginning of a text: at least one continuation of its last
// character is valid.
func canBegin(s []byte) bool {
	for _, more := range []string{"", "\x80", "\xA0", "\x90", "\x80\x80", "\xA0\x80", "\x90\x80", "\x80\x80\x80", "\x90\x80\x80"} {
		if utf8.ValidString(string(s) + more) {
			return true
		}
	}
	return false
}

// Autobahn group 6: texts at the borders of UTF-8, whole, byte by byte, and in two fragments.
func TestTexts(t *testing.T) {
	b := echoes(t)
	valid := []string{
		"Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\x00", "\u0080", "\u0800", "\U00010000", "\x7f", "\u07ff", "\uffff", "\U0010ffff",
		"\ud7ff", "\ue000", "\ufffd", "\U0003fffe", "\U000ffffe", strings.Repeat("\U0010ffff", 100),
	}
	invalid := []string{
		"\x80", "\xbf", "\x80\xbf", "\xc0 ", "\xfc ", "\xc2", "\xe0\xa0", "\xf0\x90\x80", "\xfe", "\xff", "\xfe\xfe\xff\xff",
		"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", "\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf",
		"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
	}
	ways := func(s string) [][]string {
		h := len(s) / 2
		return [][]string{all(frame(fin|text, s)), chop(frame(fin|text, s), 1), {frame(text, s[:h]), frame(fin|cont, s[h:])}}
	}
	for _, s := range valid {
		for i, send := range ways(s)[longtest.Count(2, 0, 0):] {
			run(t, b, script{fmt.Sprintf("%.8x %d", s, i), send, []got{answer(fin|text, s)}, 0})
		}
	}
	for _, s := range invalid {
		for i, send := range ways(s)[longtest.Count(2, 0, 0):] {
			run(t, b, script{fmt.Sprintf("%x %d", s, i), send, nil, InvalidData})
		}
	}
}
