package main

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/websocket"
)

//go:embed page.html
var page []byte

const (
	messageMax = 4 << 10          // bytes; a longer message ends the connection with 1009
	nameMax    = 32               // in characters
	lastMax    = 20               // lines that a new guest gets
	aliveTime  = 30 * time.Second // between two pings
)

// A room sends the messages of each guest to all guests. Only code on the loop uses it, so it needs
// no lock.
type room struct {
	server *websocket.Server
	hub    *websocket.Hub
	last   []*websocket.Frame // the newest lines; the oldest of them is first
}

// A line is a message for a guest's browser, in JSON.
type line struct {
	From   string `json:"from"` // "" means the room itself
	Text   string `json:"text"`
	People int    `json:"people"`
}

// newRoom makes a room for guests on the loop.
func newRoom(r *reactor.Reactor, opts ...websocket.Option) (*room, error) {
	// A guest that reads too slowly is closed with code 1013. Its browser connects again, and gets the
	// newest lines.
	m := &room{hub: websocket.NewHub(r, websocket.CloseSlow)}
	opts = append([]websocket.Option{
		websocket.WithPages(m.page),
		websocket.WithMaxMessage(messageMax),
		websocket.WithPing(aliveTime),
	}, opts...)
	var err error
	m.server, err = websocket.NewServer(m.enter, opts...)
	return m, err
}

// page answers requests that are no handshakes.
func (m *room) page(q *websocket.Request) websocket.Page {
	switch q.Target {
	case "/":
		return websocket.Page{Type: "text/html; charset=utf-8", Body: page}
	case "/chat":
		return websocket.Page{Status: 426} // this path is only for handshakes
	}
	return websocket.Page{}
}

// enter answers a handshake. The package has already checked the origin of the page.
func (m *room) enter(q *websocket.Request) websocket.Handler {
	u, err := q.URL()
	switch {
	case err != nil:
		return q.Refuse(400)
	case u.Path != "/chat":
		return q.Refuse(404)
	}
	name, ok := nameOf(u)
	if !ok {
		return q.Refuse(400)
	}
	return &guest{room: m, name: name}
}

// nameOf returns the name that a guest has chosen.
func nameOf(u *url.URL) (name string, ok bool) {
	name = strings.TrimSpace(u.Query().Get("name"))
	n := utf8.RuneCountInString(name)
	return name, 0 < n && n <= nameMax && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// say sends a line to all guests, and stores it for later guests.
func (m *room) say(from, text string) error {
	p, err := json.Marshal(line{From: from, Text: text, People: m.hub.Len()})
	if err != nil {
		return err
	}
	f := m.server.NewFrame(websocket.Text, p)
	if err := m.hub.Send(f); err != nil {
		return err
	}
	m.last = append(m.last, f)
	if len(m.last) > lastMax {
		m.last = slices.Delete(m.last, 0, 1)
	}
	return nil
}

// A guest is the Handler of one connection.
type guest struct {
	*room
	name string
	in   bool // Opened was called
}

// Opened sends the newest lines to the guest.
func (g *guest) Opened(c *websocket.Conn) {
	g.in = true
	for _, f := range g.last {
		if c.SendFrame(f) != nil {
			return // the connection closes, and Closed will be called
		}
	}
	g.hub.Join(c)
	g.end(c, g.say("", g.name+" is here"))
}

// Message sends the guest's message to all guests. The package has checked that a text is UTF-8.
func (g *guest) Message(c *websocket.Conn, kind websocket.Kind, p []byte) {
	if kind != websocket.Text {
		_ = c.Close(websocket.Unsupported, "text only")
		return
	}
	g.end(c, g.say(g.name, string(p)))
}

// end closes the connection if the room could not send the line, because it has too much to send.
func (g *guest) end(c *websocket.Conn, err error) {
	if err == nil {
		return
	}
	_ = c.Close(websocket.TryAgainLater, "the room is too loud")
}

// Closed is called once for each guest, even if the handshake has failed.
func (g *guest) Closed(c *websocket.Conn, _ error) {
	if !g.in {
		return
	}
	g.hub.Leave(c)
	_ = g.say("", g.name+" has left") // if this fails, the next line has the number of guests
}
