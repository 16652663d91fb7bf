package simulated

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A record is one change and its position in the log.
type record struct {
	Seq int
	request
}

// A store is a primary or a backup: a map, and the log on disk from which the map is made.
type store struct {
	w    *sim.World
	h    *sim.Host
	out  *slog.Logger
	log  []record
	data map[string]string
	done map[string]bool // contains the IDs of all changes
	file *sim.File
}

// open reads the log. A crash may have left only a part of the last record. The client of that
// record has got no reply.
func (s *store) open() error {
	s.log, s.data, s.done = nil, map[string]string{}, map[string]bool{}
	f, err := s.h.Disk().OpenFile("log", os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	s.file = f
	text, err := s.h.Disk().ReadFile("log")
	if err != nil {
		return err
	}
	good := 0
	for {
		line, rest, ok := bytes.Cut(text[good:], []byte("\n"))
		var q record
		if !ok || json.Unmarshal(line, &q) != nil {
			break
		}
		s.apply(q)
		good = len(text) - len(rest)
	}
	if bug != "torn tail" {
		err = f.Truncate(int64(good))
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil && bug != "name not synced" {
		err = s.h.Disk().SyncDir(".")
	}
	s.out.Info("log read", "records", len(s.log), "bytes", len(text), "whole", good)
	return err
}

func (s *store) apply(q record) {
	s.log = append(s.log, q)
	s.data[q.Key] += q.Value
	s.done[q.ID] = true
}

// keep makes a change durable.
func (s *store) keep(q record) {
	s.apply(q)
	text, _ := json.Marshal(q)
	_, err := s.file.Write(append(text, '\n'))
	if bug != "answer before sync" && err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.w.Fail(err)
	}
	s.out.Info("record written", "seq", q.Seq, "id", q.ID)
}

// A primary answers a change when the change is on its own disk and on the disk of the backup.
type primary struct {
	store
	backup  *link
	acked   int // how many records the backup has
	sent    int
	waiting []waiting
}

// A waiting answer is sent when the backup has at least seq records.
type waiting struct {
	seq int
	c   *reactor.Conn
	reply
}

// startPrimary boots the primary. p is the running primary, so that the test can examine it.
func startPrimary(w *sim.World, h, backup *sim.Host, p *primary) {
	boot(w, h, "primary", func(r *reactor.Reactor) error {
		*p = primary{store: store{w: w, h: h, out: slog.New(h.LogHandler())}}
		if err := p.open(); err != nil {
			return err
		}
		p.backup = &link{r: r, log: p.out, to: backup.Name() + ":81", line: p.ack}
		p.backup.up = func() {
			if bug != "resend from sent" {
				p.sent = p.acked
			}
			p.push()
		}
		p.backup.dial()
		return listen(r, ":80", p.serve)
	})
}

func (p *primary) serve(c *reactor.Conn, text []byte) {
	var q request
	if err := json.Unmarshal(text, &q); err != nil {
		p.w.Fail(fmt.Errorf("the primary was sent %q: %w", text, err))
		return
	}
	seq := len(p.log)
	if q.Op == "append" && (!p.done[q.ID] || bug == "no dedup") {
		seq++
		p.keep(record{seq, q})
	}
	p.waiting = append(p.waiting, waiting{seq, c, reply{ID: q.ID, OK: true, Value: p.data[q.Key]}})
	p.push()
	p.reply()
}

// push sends the records that were not sent to the backup yet.
func (p *primary) push() {
	if p.backup.conn == nil {
		return
	}
	for ; p.sent < len(p.log); p.sent++ {
		text, _ := json.Marshal(p.log[p.sent])
		p.out.Info("record sent to the backup", "seq", p.log[p.sent].Seq)
		p.backup.send(text)
	}
}

func (p *primary) ack(text []byte) {
	n := 0
	if _, err := fmt.Sscan(string(text), &n); err == nil && n > p.acked {
		p.acked = min(n, len(p.log))
		p.out.Info("backup has", "records", n)
		p.reply()
	}
}

// reply sends the answers that had to wait for the backup. Reads wait too, because they may have
// seen a change that the backup does not have yet.
func (p *primary) reply() {
	for len(p.waiting) > 0 && p.waiting[0].seq <= p.acked {
		x := p.waiting[0]
		p.waiting = p.waiting[1:]
		text, _ := json.Marshal(x.reply)
		p.out.Info("primary answers", "id", x.ID, "value", x.Value)
		_ = x.c.Send(append(text, '\n'))
	}
}

// startBackup boots the backup.
func startBackup(w *sim.World, h *sim.Host, b *store) {
	boot(w, h, "backup", func(r *reactor.Reactor) error {
		*b = store{w: w, h: h, out: slog.New(h.LogHandler())}
		if err := b.open(); err != nil {
			return err
		}
		return listen(r, ":81", func(c *reactor.Conn, text []byte) {
			var q record
			if err := json.Unmarshal(text, &q); err != nil {
				w.Fail(fmt.Errorf("the backup was sent %q: %w", text, err))
				return
			}
			if q.Seq == len(b.log)+1 || bug == "backup takes repeats" {
				b.keep(q)
			} else {
				b.out.Info("record ignored", "seq", q.Seq, "records", len(b.log))
			}
			_ = c.Send([]byte(fmt.Sprintln(len(b.log))))
		})
	})
}
