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

// tokenLeast is the least length of a token.
const tokenLeast = 16

// WithActions lets a client that has the token close and abort connections, pause and resume
// listeners, and set the log level, by POST. The token has at least 16 bytes. A random text, made
// at every start, is best. Without this option nothing can be changed.
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

// WithLogLevel shows the log level. With WithActions it can be set.
func WithLogLevel(l Level) Option {
	if l == nil {
		panic("inspect: WithLogLevel(nil); leave it out")
	}
	return func(c *config) { c.Level = l }
}

// WithHost accepts requests for these host names, beside localhost and IP addresses. Requests for
// other names are refused. Otherwise an attacker could make the name of a web page resolve to this
// machine, and the page could read the handler's answers.
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
