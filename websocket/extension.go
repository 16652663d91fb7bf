package websocket

import (
	"strconv"
	"strings"
)

const extensionName = "permessage-deflate"

// A Compression configures permessage-deflate (RFC 7692).
//
// Package compress/flate supports only windows of 32 KiB, which cost about 1.2 MiB for each
// compressor. Without Takeover the connections share compressors, and a quiet connection holds no
// memory for compression. If the peer accepts only smaller windows, a message is compressed in
// pieces that fit.
type Compression struct {
	// Level is a level of package flate: flate.HuffmanOnly … flate.BestCompression. 0 means
	// flate.BestSpeed. The other levels clear 640 KiB of memory for each message.
	Level int
	// Least is the size in bytes from which on a message is compressed. 0 means 128.
	Least int
	// If the peer agrees, Takeover lets a message refer to earlier messages of the connection. This
	// makes small messages smaller, but costs memory: a connection that has received a compressed
	// message holds up to 32 KiB, and one that has sent a compressed message holds a compressor.
	Takeover bool
}

// A deflateOffer contains the parameters that one side offers or accepts.
type deflateOffer struct {
	serverNoContext, clientNoContext bool
	serverBits, clientBits           uint8 // 0 means absent
	clientAny                        bool  // client_max_window_bits has no value
}

// parseOffer parses the parameters of one permessage-deflate. If a parameter is wrong or unknown,
// ok is false.
func parseOffer(params []string) (o deflateOffer, ok bool) {
	seen := map[string]bool{}
	for _, param := range params {
		name, value, has := strings.Cut(param, "=")
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
		if seen[name] {
			return o, false
		}
		seen[name] = true
		bits, err := strconv.ParseUint(value, 10, 8)
		good := err == nil && bits >= 8 && bits <= 15 && value[0] != '0'
		switch {
		case name == "server_no_context_takeover" && !has:
			o.serverNoContext = true
		case name == "client_no_context_takeover" && !has:
			o.clientNoContext = true
		case name == "client_max_window_bits" && !has:
			o.clientAny = true
		case name == "client_max_window_bits" && good:
			o.clientBits = uint8(bits)
		case name == "server_max_window_bits" && good:
			o.serverBits = uint8(bits)
		default:
			return o, false
		}
	}
	return o, true
}

// accept answers the first offer that the server supports. If there is none, it returns nil and "".
func (c *Compression) accept(offers string) (*deflate, string) {
	for offer := range strings.SplitSeq(offers, ",") {
		name, params := cutParams(offer)
		if name != extensionName {
			continue
		}
		o, ok := parseOffer(params)
		if !ok {
			continue
		}
		z := c.deflate(o.serverBits, c.Takeover && !o.serverNoContext, c.Takeover && !o.clientNoContext)
		answer := extensionName
		if !z.sends {
			answer += "; server_no_context_takeover"
		}
		if !z.receives {
			answer += "; client_no_context_takeover"
		}
		if o.serverBits > 0 {
			answer += "; server_max_window_bits=" + strconv.Itoa(int(o.serverBits))
		}
		return z, answer
	}
	return nil, ""
}

// offer returns the offer of a client.
func (c *Compression) offer() string {
	if c.Takeover {
		return extensionName + "; client_max_window_bits"
	}
	return extensionName + "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
}

// accepted checks the server's answer to the offer.
func (c *Compression) accepted(answer string) (*deflate, bool) {
	name, params := cutParams(answer)
	o, ok := parseOffer(params)
	if name != extensionName || !ok || o.clientAny || !c.Takeover && !o.serverNoContext {
		return nil, false
	}
	return c.deflate(o.clientBits, c.Takeover && !o.clientNoContext, !o.serverNoContext), true
}

// cutParams splits an element of Sec-WebSocket-Extensions.
func cutParams(element string) (name string, params []string) {
	for i, s := range strings.Split(element, ";") {
		if s = strings.TrimSpace(s); i == 0 {
			name = s
		} else {
			params = append(params, s)
		}
	}
	return name, params
}

// deflate returns the state for a connection. If the compressor's window is too large for the peer,
// the compressor is reset for each piece.
func (c *Compression) deflate(bits uint8, sends, receives bool) *deflate {
	if bits == 0 {
		bits = 15
	}
	return &deflate{level: c.Level, least: c.Least, bits: bits, takeover: takeover{sends && bits == 15, receives}}
}
