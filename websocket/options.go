package websocket

import (
	"compress/flate"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// These limits and times apply if no option sets others.
const (
	DefaultMaxMessage       = 1 << 20          // in bytes; see WithMaxMessage
	DefaultMaxHead          = 8 << 10          // in bytes; see WithMaxHead
	DefaultHandshakeTimeout = 10 * time.Second // see WithHandshakeTimeout
	DefaultCloseTimeout     = 5 * time.Second  // see WithCloseTimeout
)

// settings are shared by the connections of a Server or of a Dial. They do not change.
type settings struct {
	server      bool
	accept      func(*Request) Handler
	maxMessage  int
	maxFrame    int
	maxHead     int
	handshake   time.Duration
	close       time.Duration
	ping, idle  time.Duration
	tick        time.Duration // interval for the pings and the idle timeout; 0: none
	protocols   []string
	random      func() uint64
	now         func() time.Time
	compression *Compression // nil: none
	shared      *deflate     // for the connections without context takeover

	// These fields are for servers.
	origins []string
	pages   func(*Request) Page

	// These fields are for clients.
	header [][2]string
	tls    *tls.Config
	dial   []reactor.DialOption
}

// An Option configures a Server or a client. NewServer and the functions for clients return the
// error of an option. They do so even if the option does not apply to them.
type Option func(*settings) error

// maxTicks limits the number of ticks that a connection counts.
const maxTicks = 60_000

func newSettings(server bool, opts []Option) (*settings, error) {
	s := &settings{server: server, maxMessage: DefaultMaxMessage, maxHead: DefaultMaxHead,
		handshake: DefaultHandshakeTimeout, close: DefaultCloseTimeout, random: rand.Uint64, now: time.Now}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("websocket: an Option is nil")
		}
		if err := o(s); err != nil {
			return nil, err
		}
	}
	if s.maxFrame == 0 {
		s.maxFrame = s.maxMessage
	}
	if s.ping > 0 && s.idle/s.ping > maxTicks {
		return nil, fmt.Errorf("websocket: WithIdleTimeout(%v): must be at most %d times WithPing(%v)", s.idle, maxTicks, s.ping)
	}
	switch {
	case s.ping == 0:
		s.tick = s.idle
	case s.idle == 0:
		s.tick = s.ping
	default:
		s.tick = min(s.ping, s.idle)
	}
	return s, nil
}

func inRange(name string, n, least, most int, set func(*settings)) Option {
	return func(s *settings) error {
		if n < least || n > most {
			return fmt.Errorf("websocket: %s(%d): must be %d … %d", name, n, least, most)
		}
		set(s)
		return nil
	}
}

func inTime(name string, d, least, most time.Duration, set func(*settings)) Option {
	return func(s *settings) error {
		if d < least || d > most {
			return fmt.Errorf("websocket: %s(%v): must be %v … %v", name, d, least, most)
		}
		set(s)
		return nil
	}
}

func only(server bool, name string, set func(*settings) error) Option {
	return func(s *settings) error {
		switch {
		case s.server && !server:
			return fmt.Errorf("websocket: %s is for clients", name)
		case !s.server && server:
			return fmt.Errorf("websocket: %s is for servers", name)
		}
		return set(s)
	}
}

// WithMaxMessage sets the maximum size of a message in bytes, 1 … 1<<30. It also applies to the
// message after decompression. A larger message ends its connection with TooBig.
func WithMaxMessage(n int) Option {
	return inRange("WithMaxMessage", n, 1, 1<<30, func(s *settings) { s.maxMessage = n })
}

// WithMaxFrame sets the maximum size of a frame in bytes, 1 … 1<<30. The default is the maximum
// size of a message.
func WithMaxFrame(n int) Option {
	return inRange("WithMaxFrame", n, 1, 1<<30, func(s *settings) { s.maxFrame = n })
}

// WithMaxHead sets the maximum size in bytes of the peer's part of the handshake, 256 … 1<<20.
func WithMaxHead(n int) Option {
	return inRange("WithMaxHead", n, 256, 1<<20, func(s *settings) { s.maxHead = n })
}

// WithHandshakeTimeout sets how long the handshake may take, 1 ms … 1 h.
func WithHandshakeTimeout(d time.Duration) Option {
	return inTime("WithHandshakeTimeout", d, time.Millisecond, time.Hour, func(s *settings) { s.handshake = d })
}

// WithCloseTimeout sets how long this side waits for the answer to a Close, 1 ms … 1 h.
func WithCloseTimeout(d time.Duration) Option {
	return inTime("WithCloseTimeout", d, time.Millisecond, time.Hour, func(s *settings) { s.close = d })
}

// WithPing makes a connection ping a peer that has sent nothing for d, 1 ms … 24 h. If then nothing
// arrives for another d, the connection is aborted with ErrSilent. The ping and the abort may each
// be late by at most d. A connection that is throttled is aborted if no byte moves for 4 * d.
func WithPing(d time.Duration) Option {
	return inTime("WithPing", d, time.Millisecond, 24*time.Hour, func(s *settings) { s.ping = d })
}

// WithIdleTimeout closes a connection with GoingAway if for d, 1 ms … 24 h, there was no message in
// either direction. Pings do not count as messages. The close is never early, and late by at most
// d.
func WithIdleTimeout(d time.Duration) Option {
	return inTime("WithIdleTimeout", d, time.Millisecond, 24*time.Hour, func(s *settings) { s.idle = d })
}

// WithSubprotocols sets the subprotocols. A server chooses the first subprotocol of its list that
// the client offers. If the client offers none of them, the connection has no subprotocol. A client
// offers all of its subprotocols.
func WithSubprotocols(names ...string) Option {
	return func(s *settings) error {
		if len(names) == 0 || len(names) > 200 {
			return fmt.Errorf("websocket: WithSubprotocols: %d names: must be 1 … 200", len(names))
		}
		for _, name := range names {
			if !isToken(name) {
				return fmt.Errorf("websocket: WithSubprotocols(%q): must be a token of RFC 9110", name)
			}
		}
		s.protocols = names
		return nil
	}
}

// WithCompression turns permessage-deflate on. A connection is compressed only if its peer agrees.
func WithCompression(c Compression) Option {
	return func(s *settings) error {
		if c.Level == 0 {
			c.Level = flate.BestSpeed
		}
		if c.Least == 0 {
			c.Least = 128
		}
		if c.Level < flate.HuffmanOnly || c.Level > flate.BestCompression {
			return fmt.Errorf("websocket: WithCompression: Level %d: must be %d … %d", c.Level, flate.HuffmanOnly, flate.BestCompression)
		}
		if c.Least < 0 {
			return fmt.Errorf("websocket: WithCompression: Least %d: must be 0 or more", c.Least)
		}
		s.compression = &c
		s.shared = c.deflate(15, false, false)
		return nil
	}
}

// WithOrigins sets which pages may connect. It lists their origins, such as "https://example.org",
// or "*" for all. Without this option a page may connect only to the host from which it was loaded.
// Clients that are no browsers send no origin, and may always connect.
func WithOrigins(origins ...string) Option {
	return only(true, "WithOrigins", func(s *settings) error {
		for _, o := range origins {
			if o != "*" && originHost(o) == "" {
				return fmt.Errorf("websocket: WithOrigins(%q): must be as https://example.org, or *", o)
			}
		}
		s.origins = append([]string{}, origins...)
		return nil
	})
}

// WithPages answers requests that are no handshakes, for example for a page, its script, or a
// health check. The connection is closed after the answer. Without this option such a request gets
// the status 426.
func WithPages(pages func(*Request) Page) Option {
	return only(true, "WithPages", func(s *settings) error {
		if pages == nil {
			return errors.New("websocket: WithPages(nil)")
		}
		s.pages = pages
		return nil
	})
}

// WithHeader adds a field to a client's request, such as Origin or Cookie.
func WithHeader(name, value string) Option {
	return only(false, "WithHeader", func(s *settings) error {
		if !isToken(name) || !isFieldValue(value) {
			return fmt.Errorf("websocket: WithHeader(%q, %q): must be a field of RFC 9110", name, value)
		}
		s.header = append(s.header, [2]string{name, value})
		return nil
	})
}

// WithTLS sets the configuration for wss of a client. If its ServerName is empty, the client sets
// the name.
func WithTLS(cfg *tls.Config) Option {
	return only(false, "WithTLS", func(s *settings) error {
		if cfg == nil {
			return errors.New("websocket: WithTLS(nil)")
		}
		s.tls = cfg
		return nil
	})
}

// WithDial adds options of the reactor for Dial.
func WithDial(opts ...reactor.DialOption) Option {
	return only(false, "WithDial", func(s *settings) error {
		s.dial = append(s.dial, opts...)
		return nil
	})
}

// WithRand sets the source of random numbers for a client's masking keys and nonce. The default is
// math/rand/v2.Uint64, which nobody can predict. A simulated program needs a source that depends on
// its seed.
func WithRand(random func() uint64) Option {
	return only(false, "WithRand", func(s *settings) error {
		if random == nil {
			return errors.New("websocket: WithRand(nil)")
		}
		s.random = random
		return nil
	})
}

// WithClock sets the clock from which a Stream computes the deadlines of its net.Conn. The default
// is time.Now. A simulated program needs Time of its netconn.Net.
func WithClock(now func() time.Time) Option {
	return func(s *settings) error {
		if now == nil {
			return errors.New("websocket: WithClock(nil)")
		}
		s.now = now
		return nil
	}
}
