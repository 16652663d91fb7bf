package inspect

import (
	"encoding"
	"fmt"
	"strings"

	"github.com/ureactor/ureactor/internal/inspector"
)

// An Option configures a Handler.
type Option func(*config)

type config struct{ inspector.Config }

// tokenLeast is the minimum length of a token in bytes.
const tokenLeast = 16

// With WithActions, a client that has the token can use POST to close and abort connections, pause
// and resume listeners, and set the log level. The token must have at least 16 bytes. Best is a
// random text that is made at every start. Without this option nothing can be changed.
func WithActions(token string) Option {
	if len(token) < tokenLeast {
		panic(fmt.Sprintf("inspect: WithActions with a token of %d bytes; give it %d or more", len(token), tokenLeast))
	}
	return func(c *config) { c.Token = token }
}

// A Level is a log level that can be changed: a *zap.AtomicLevel or a *slog.LevelVar.
type Level interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

// WithLogLevel shows the log level. Together with WithActions, clients can set it.
func WithLogLevel(l Level) Option {
	if l == nil {
		panic("inspect: WithLogLevel(nil); leave it out")
	}
	return func(c *config) { c.Level = l }
}

// WithHost accepts requests for these host names in addition to localhost and IP addresses.
// Requests for other names are refused. Otherwise an attacker could make the host name of a web
// page resolve to this machine, and the page could read the handler's answers.
func WithHost(names ...string) Option {
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, "/: ") {
			panic(fmt.Sprintf("inspect: WithHost: name %d is %q; give a host name without a port", i, name))
		}
	}
	return func(c *config) {
		for _, name := range names {
			c.Hosts[strings.ToLower(name)] = true
		}
	}
}
