package proxyproto

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
)

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

var headers = []Header{
	{Version: 1, Source: at("192.168.0.1:56324"), Destination: at("192.168.0.11:443")},
	{Version: 1, Source: at("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"), Destination: at("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")},
	{Version: 1, Local: true},
	{Version: 2, Source: at("1.2.3.4:5"), Destination: at("6.7.8.9:10")},
	{Version: 2, Source: at("[::1]:5"), Destination: at("[2001:db8::2]:10"), TLVs: []byte("\x01\x00\x02h2\x05\x00\x00")},
	{Version: 2, Source: at("1.2.3.4:5"), Destination: at("6.7.8.9:10"), TLVs: append([]byte{TLVNoOp, 0x0f, 0xe1}, make([]byte, MaxSize-31)...)},
	{Version: 2, SourcePath: "/a/client", DestinationPath: strings.Repeat("x", 108)},
	{Version: 2, DestinationPath: "\x00abstract"},
	{Version: 2, SourcePath: "\x00" + strings.Repeat("x", 107), DestinationPath: "a"},
	{Version: 2, Local: true},
}

// Parse reads the headers that Append writes, whatever bytes follow them. For every incomplete
// header Parse returns ErrIncomplete.
func TestHeadersComeBack(t *testing.T) {
	for _, want := range headers {
		wire, err := want.Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		wire = wire[len("before"):]
		for k := range wire {
			if _, n, err := Parse(wire[:k]); n != 0 || err != ErrIncomplete {
				t.Fatalf("%d of %d bytes: %d, %v", k, len(wire), n, err)
			}
		}
		got, n, err := Parse(append(bytes.Clone(wire), "\r\nmore"...))
		if len(got.TLVs) == 0 {
			got.TLVs = nil
		}
		if err != nil || n != len(wire) || !reflect.DeepEqual(got, want) {
			t.Errorf("%d of %d bytes: %+v, %v; want %+v", n, len(wire), got, err, want)
		}
	}
}

// Parse reads headers that HAProxy 2.6 has sent, with send-proxy and with send-proxy-v2 and its
// option crc32c.
func TestHeadersOfHAProxy(t *testing.T) {
	h, n, err := Parse([]byte("PROXY TCP4 127.0.0.1 127.0.0.1 45678 8080\r\nGET"))
	if err != nil || n != 43 || h.Source != at("127.0.0.1:45678") || h.Destination != at("127.0.0.1:8080") {
		t.Errorf("%+v, %d, %v", h, n, err)
	}
	wire, _ := hex.DecodeString("0d0a0d0a000d0a515549540a" + "2111" + "0013" + "7f0000017f000001b26e1f90" + "030004" + "00000000")
	binary.BigEndian.PutUint32(wire[len(wire)-4:], crc32.Checksum(wire, crc32.MakeTable(crc32.Castagnoli)))
	h, n, err = Parse(wire)
	if err != nil || n != len(wire) || h.Source != at("127.0.0.1:45678") {
		t.Errorf("%+v, %d, %v", h, n, err)
	}
	if sum, ok := h.TLV(TLVCRC32C); !ok || len(sum) != 4 {
		t.Errorf("no checksum: %x", sum)
	}
	if _, ok := h.TLV(TLVALPN); ok {
		t.Error("a field that is not there")
	}
	wire[20] ^= 1
	if _, _, err := Parse(wire); !errors.Is(err, ErrHeader) {
		t.Errorf("a changed byte: %v", err)
	}
}

// Parse refuses bytes that are no header as soon as no header can begin with them.
func TestBadHeaders(t *testing.T) {
	const v2 = "\r\n\r\n\x00\r\nQUIT\n"
	for _, text := range []string{
		"G", "PROXX", "\r\n\r\nX", "PROXY\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
		"PROXY TCP4 ::1 ::2 1 2\r\n", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
		"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP6 fe80::1%1 fe80::2 1 2\r\n",
		"PROXY unknown\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + strings.Repeat("x", 100), "PROXY UNKNOWN " + strings.Repeat("x", 93),
		v2 + "\x11\x11\x00\x0c", v2 + "\x22\x11\x00\x0c", v2 + "\x21\x41\x00\x0c", v2 + "\x21\x13\x00\x0c",
		v2 + "\x21\x11\x00\x0b", v2 + "\x21\x21\x00\x23", v2 + "\x21\x31\x00\xd7", v2 + "\x21\x11\xff\xff",
		v2 + "\x21\x11\x00\x0e" + "addressesxyzab", v2 + "\x21\x11\x00\x10" + "addressesxyz\x01\x00\x02a",
		v2 + "\x21\x11\x00\x10" + "addressesxyz\x03\x00\x01a",
	} {
		if h, n, err := Parse([]byte(text)); n != 0 || !errors.Is(err, ErrHeader) {
			t.Errorf("%q: %+v, %d, %v", text, h, n, err)
		}
	}
}

// Append returns an error that names the value if it cannot write a header. If the two addresses
// are of different families, Append writes both as IPv6.
func TestHeadersThatCannotBe(t *testing.T) {
	for text, h := range map[string]Header{
		"proxyproto: Append of version 0: must be 1 or 2":            {},
		"proxyproto: Append of version 3: must be 1 or 2":            {Version: 3},
		"proxyproto: Append of a path of 109 bytes: must be 0 … 108": {Version: 2, SourcePath: strings.Repeat("x", 109)},
		"proxyproto: Append of 4128 bytes: must be at most 4096":     {Version: 2, Source: at("1.2.3.4:5"), Destination: at("1.2.3.4:5"), TLVs: make([]byte, 4100)},
	} {
		if b, err := h.Append(nil); err == nil || err.Error() != text || len(b) != 0 {
			t.Errorf("%v, want %s", err, text)
		}
	}
	h := Header{Version: 1, Source: at("1.2.3.4:5"), Destination: at("[::1]:6")}
	if b, err := h.Append(nil); err != nil || string(b) != "PROXY TCP6 ::ffff:1.2.3.4 ::1 5 6\r\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// FuzzParse checks that Parse never panics, that a part of a header is never an error, and that
// Append can write every parsed header.
func FuzzParse(f *testing.F) {
	for _, h := range headers {
		wire, _ := h.Append(nil)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		h, n, err := Parse(p)
		switch {
		case err == nil && (n < 1 || n > len(p) || n > MaxSize):
			t.Fatalf("%d of %d bytes", n, len(p))
		case err != nil && !errors.Is(err, ErrHeader) && err != ErrIncomplete:
			t.Fatal(err)
		case err == nil:
			for k := range n {
				if _, _, err := Parse(p[:k]); err != ErrIncomplete {
					t.Fatalf("%d of %d bytes: %v", k, n, err)
				}
			}
			if _, err := h.Append(nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
