package inspector

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/timeout"
)

// A picture is an inside.Loop and values that are computed from it. It does not change, so requests
// can share it.
type picture struct {
	*inside.Loop
	rates []connRates // of the Conns, in the order of Conns

	once sync.Once
	conn []*connRow
}

type connRates struct{ in, out float64 }

// newPicture computes rates from the differences to the previous picture, which may be nil.
func newPicture(now *inside.Loop, before *picture) *picture {
	p := &picture{Loop: now, rates: make([]connRates, len(now.Conns))}
	if before == nil {
		return p
	}
	span := time.Duration(now.Began - before.Began).Seconds()
	old := before.Conns // both lists are sorted by descriptor
	for i := range now.Conns {
		c := &now.Conns[i]
		if c.ID.FD < 0 {
			break
		}
		for len(old) > 0 && old[0].ID.FD >= 0 && old[0].ID.FD < c.ID.FD {
			old = old[1:]
		}
		if len(old) > 0 && old[0].ID == c.ID && span > 0 {
			p.rates[i] = connRates{float64(c.In-old[0].In) / span, float64(c.Out-old[0].Out) / span}
		}
	}
	return p
}

// since returns the time in seconds from t to the picture, or 0 if t is 0.
func (p *picture) since(t timeout.Deadline) float64 {
	if t == 0 {
		return 0
	}
	return max(0, time.Duration(p.Now-t).Seconds())
}

// left returns the time in seconds from the picture to t, or nil if t is Never.
func (p *picture) left(t timeout.Deadline) *float64 {
	if t == timeout.Never {
		return nil
	}
	s := time.Duration(t - p.Now).Seconds()
	return &s
}

// A connRow is a row of the table of connections. Times are in seconds.
type connRow struct {
	ID       string   `json:"id,omitempty"` // "" while there is no descriptor
	Loop     int      `json:"loop"`
	Peer     string   `json:"peer"`
	Local    string   `json:"local,omitempty"` // the address of the listener
	Handler  string   `json:"handler"`
	State    []string `json:"state"`
	Why      string   `json:"why,omitempty"` // why it is stuck or is not read
	Age      float64  `json:"age"`
	In       uint64   `json:"in"`
	Out      uint64   `json:"out"`
	InRate   float64  `json:"in_per_second"`
	OutRate  float64  `json:"out_per_second"`
	Buffered int      `json:"buffered"`
	Unsent   int      `json:"unsent"` // in the kernel's queue; -1: unknown
	Stuck    float64  `json:"stuck,omitempty"`
	High     int      `json:"high"`
	Limit    int      `json:"limit"`
	Idle     *float64 `json:"idle,omitempty"` // time until this deadline
	Read     *float64 `json:"read,omitempty"`
	Write    *float64 `json:"write,omitempty"`
	GiveUp   *float64 `json:"give_up,omitempty"`
	TLS      *tlsRow  `json:"tls,omitempty"`
}

// tlsRow describes the result of a handshake.
type tlsRow struct {
	Handshaking bool   `json:"handshaking,omitempty"`
	Version     string `json:"version,omitempty"`
	Cipher      string `json:"cipher,omitempty"`
	ServerName  string `json:"server_name,omitempty"`
	ALPN        string `json:"alpn,omitempty"`
}

// stateNames has the names of the bits of inside.State, in their order.
var stateNames = []string{"dialling", "handshaking", "paused", "back-pressure", "blocked", "peer ended", "write ended",
	"closing", "broken", "more input"}

func stateText(s inside.State) []string {
	list := []string{}
	for i, name := range stateNames {
		if s&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		list = append(list, "open")
	}
	return list
}

// conns returns the rows. It makes them once for each picture.
func (p *picture) conns(loop int) []*connRow {
	p.once.Do(func() {
		rows := make([]connRow, len(p.Conns)) // allocates all rows at once
		p.conn = make([]*connRow, len(rows))
		for i := range p.Conns {
			c := &p.Conns[i]
			row := &rows[i]
			p.conn[i] = row
			*row = connRow{
				ID: idText(loop, c.ID), Loop: loop, Peer: peerText(c), Local: clean(c.Local), Handler: clean(c.Handler),
				State: stateText(c.State), Age: p.since(c.Opened), In: c.In, Out: c.Out,
				InRate: p.rates[i].in, OutRate: p.rates[i].out, Buffered: c.Buffered, Unsent: c.Unsent,
				Stuck: p.since(c.Stuck), High: c.High, Limit: c.Limit,
				Idle: p.left(c.Quiet), Read: p.left(c.Read), Write: p.left(c.Write), GiveUp: p.left(c.GiveUp),
			}
			if t := c.TLS; t != nil {
				row.TLS = &tlsRow{t.Handshaking, t.Version, t.Cipher, clean(t.ServerName), clean(t.ALPN)}
			}
			row.Why = why(c, row)
		}
	})
	return p.conn
}

func peerText(c *inside.Conn) string {
	if c.Dials != "" {
		return clean(c.Dials)
	}
	return addrText(c.Peer)
}

func addrText(a kernel.Addr) string {
	switch {
	case a.Family == 0:
		return ""
	case a.Path != "":
		return clean(a.Path)
	}
	if s := a.String(); s != "" {
		return clean(s)
	}
	return "unnamed"
}

// idText returns the ID of a descriptor's owner in the form for addresses of pages. It contains
// loop, descriptor and generation.
func idText(loop int, id inside.ID) string {
	if id.FD < 0 {
		return ""
	}
	return strconv.Itoa(loop) + "-" + strconv.Itoa(int(id.FD)) + "-" + strconv.FormatUint(uint64(id.Gen), 10)
}

// parseID parses what idText returns.
func parseID(s string) (loop int, id inside.ID, ok bool) {
	parts := strings.Split(s, "-")
	if len(parts) != 3 {
		return 0, id, false
	}
	loop, e1 := strconv.Atoi(parts[0])
	fd, e2 := strconv.ParseInt(parts[1], 10, 32)
	gen, e3 := strconv.ParseUint(parts[2], 10, 32)
	return loop, inside.ID{FD: int32(fd), Gen: uint32(gen)}, e1 == nil && e2 == nil && e3 == nil && loop >= 0 && fd >= 0
}
