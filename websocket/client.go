package websocket

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A HandshakeError is the error that Closed gets when the server does not accept a client's
// handshake.
type HandshakeError struct {
	Status int    // of the server's answer; 0 means that it is no HTTP
	Reason string // what is wrong with the answer
}

func (e *HandshakeError) Error() string {
	if e.Status == 0 {
		return "websocket: handshake: " + e.Reason
	}
	return "websocket: handshake: the server has answered " + strconv.Itoa(e.Status) + ": " + e.Reason
}

// Dial connects to a URL with the scheme ws or wss. When the handshake has succeeded, Opened is
// called. If the connection fails after Dial has returned, Closed gets the error, exactly once and
// in a later turn.
func Dial(r *reactor.Reactor, rawURL string, h Handler, opts ...Option) (*Conn, error) {
	if h == nil {
		panic("websocket: Dial with a nil Handler")
	}
	set, err := newSettings(false, opts)
	if err != nil {
		return nil, err
	}
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	dial := slices.Clone(set.dial)
	if u.Scheme == "wss" {
		dial = append(dial, netconn.WithTLS(set.tlsFor(u)))
	}
	sh := &clientShake{ask: set.ask(u)}
	sh.set, sh.ws = set, &Conn{h: h, d: decoder{set: set}}
	c, err := r.Dial("tcp", hostPort(u), sh, dial...)
	if err != nil {
		return nil, err
	}
	sh.ws.rc, sh.in = c, c.KeepInput(set.maxHead)
	sh.begin(c)
	if err := c.Send(sh.ask.request); err != nil {
		_ = c.Abort()
	}
	return sh.ws, nil
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("websocket: %w", err)
	case u.Scheme != "ws" && u.Scheme != "wss":
		return nil, fmt.Errorf("websocket: URL %q: the scheme must be ws or wss", raw)
	case u.Hostname() == "":
		return nil, fmt.Errorf("websocket: URL %q: the host is missing", raw)
	case u.Fragment != "":
		return nil, fmt.Errorf("websocket: URL %q: must have no fragment (RFC 6455, 3)", raw)
	}
	return u, nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// tlsFor returns the TLS configuration for the server of a URL.
func (s *settings) tlsFor(u *url.URL) *tls.Config {
	cfg := s.tls
	if cfg == nil {
		cfg = &tls.Config{}
	}
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		cfg = cfg.Clone()
		cfg.ServerName = u.Hostname()
	}
	return cfg
}

// An ask is the request of a client.
type ask struct {
	request []byte
	key     string
}

func (s *settings) ask(u *url.URL) ask {
	var nonce [16]byte
	binary.LittleEndian.PutUint64(nonce[:], s.random())
	binary.LittleEndian.PutUint64(nonce[8:], s.random())
	a := ask{key: base64.StdEncoding.EncodeToString(nonce[:])}
	b := append([]byte("GET "), u.RequestURI()+" HTTP/1.1\r\n"...)
	b = appendField(b, "Host", u.Host)
	b = append(b, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"...)
	b = appendField(b, "Sec-WebSocket-Key", a.key)
	if len(s.protocols) > 0 {
		b = appendField(b, "Sec-WebSocket-Protocol", strings.Join(s.protocols, ", "))
	}
	if s.compression != nil {
		b = appendField(b, "Sec-WebSocket-Extensions", s.compression.offer())
	}
	for _, f := range s.header {
		b = appendField(b, f[0], f[1])
	}
	a.request = append(b, "\r\n"...)
	return a
}

// checkAnswer checks the server's answer (RFC 6455, 4.1). It returns the compression and
// subprotocol that were negotiated.
func (s *settings) checkAnswer(head, key string) (z *deflate, protocol uint8, bad *HandshakeError) {
	line, f, ok := parseHead(head)
	version, rest, _ := strings.Cut(line, " ")
	code, text, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !ok || !strings.HasPrefix(version, "HTTP/1.") || len(code) != 3 || err != nil {
		return nil, 0, &HandshakeError{0, "the answer is no HTTP"}
	}
	no := func(reason string) *HandshakeError { return &HandshakeError{status, reason} }
	accept, _ := f.get("Sec-WebSocket-Accept")
	name, names := f.get("Sec-WebSocket-Protocol")
	extensions, n := f.get("Sec-WebSocket-Extensions")
	switch {
	case status != 101:
		return nil, 0, no(text)
	case !f.has("Upgrade", "websocket") || !f.has("Connection", "Upgrade"):
		return nil, 0, no("without an upgrade to websocket")
	case accept != acceptKey(key):
		return nil, 0, no("Sec-WebSocket-Accept is wrong")
	case names > 1 || names == 1 && !slices.Contains(s.protocols, name):
		return nil, 0, no("a subprotocol that was not offered")
	case n > 0 && s.compression == nil:
		return nil, 0, no("an extension that was not offered")
	}
	if n > 0 {
		if z, ok = s.compression.accepted(extensions); !ok {
			return nil, 0, no("an extension that was not offered")
		}
		z = s.share(z)
	}
	return z, uint8(slices.Index(s.protocols, name) + 1), nil
}

// A clientShake is a client's handshake in progress.
type clientShake struct {
	shake
	ask
	ws *Conn
}

func (h *clientShake) Data(c *reactor.Conn, _ []byte) {
	head, err := h.head()
	if err != nil {
		h.fail(c, err)
		return
	}
	if head == "" {
		return
	}
	z, protocol, bad := h.set.checkAnswer(head, h.key)
	if bad != nil {
		h.fail(c, bad)
		return
	}
	h.timer.Stop()
	h.ws.d.z, h.ws.protocol = z, protocol
	h.ws.open(h.in.Release())
}

// EOF handles a server that closes the connection instead of answering.
func (h *clientShake) EOF(c *reactor.Conn) {
	h.fail(c, &HandshakeError{0, "the server has closed the connection"})
}

func (h *clientShake) Closed(_ *reactor.Conn, err error) {
	if h.timer != nil {
		h.timer.Stop()
	}
	if err == nil {
		err = h.err
	}
	h.ws.neverOpened(err)
}
