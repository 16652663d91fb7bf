package simulated

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/ureactor/ureactor/sim"
)

// A raftDisk contains what a node must not forget: its term, its vote and its log. Each line of the
// file is one change.
type raftDisk struct {
	term, vote int
	log        []entry
	file       *sim.File
}

// A change sets the term and the vote, or replaces the log after an index.
type change struct {
	Term, Vote int
	After      int
	Entries    []entry
}

func (d *raftDisk) open(h *sim.Host) error {
	*d = raftDisk{vote: -1}
	f, err := h.Disk().OpenFile("raft", os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	d.file = f
	text, err := h.Disk().ReadFile("raft")
	if err != nil {
		return err
	}
	good := 0
	for {
		line, rest, ok := bytes.Cut(text[good:], []byte("\n"))
		var c change
		if !ok || json.Unmarshal(line, &c) != nil {
			break
		}
		d.apply(c)
		good = len(text) - len(rest)
	}
	if err = f.Truncate(int64(good)); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = h.Disk().SyncDir(".")
	}
	return err
}

func (d *raftDisk) apply(c change) {
	if c.Entries == nil {
		d.term, d.vote = c.Term, c.Vote
		return
	}
	d.log = append(d.log[:c.After:c.After], c.Entries...)
}

func (d *raftDisk) write(c change, sync bool) error {
	d.apply(c)
	text, _ := json.Marshal(c)
	_, err := d.file.Write(append(text, '\n'))
	if err == nil && sync {
		err = d.file.Sync()
	}
	return err
}

func (d *raftDisk) setTerm(term, vote int) error {
	if bug == "vote not written" {
		d.term, d.vote = term, vote
		return nil
	}
	return d.write(change{Term: term, Vote: vote}, true)
}

// append replaces all entries after an index.
func (d *raftDisk) append(after int, entries []entry) error {
	return d.write(change{After: after, Entries: append([]entry{}, entries...)}, bug != "log not synced")
}

func (d *raftDisk) termAt(i int) int {
	if i < 1 || i > len(d.log) {
		return 0
	}
	return d.log[i-1].Term
}
