package simulated

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// An entry is one position of the log. Entries with the same term and index are equal on all nodes.
type entry struct {
	Term int
	request
}

// A message is a call of Raft or the answer to it: vote, voted, append, appended.
type message struct {
	Kind           string
	From, Term     int
	Index, LogTerm int // of the last entry, or of the entry before Entries
	Commit         int
	OK             bool
	Entries        []entry
}

// A node is one Raft server. The first index is 1.
type node struct {
	w       *sim.World
	h       *sim.Host
	log     *slog.Logger
	me      int
	peers   []*link // by number; nil for the node itself
	disk    raftDisk
	r       *reactor.Reactor
	role    string // follower, candidate, leader
	votes   []bool
	next    []int // by peer: the index of the first entry to send
	match   []int // by peer: the index of the last entry that it has
	commit  int
	applied int
	data    map[string]string
	done    map[string]bool
	answers map[int]waitingFor // by index of the entry
	timer   *reactor.Timer
}

type waitingFor struct {
	term int
	c    *reactor.Conn
}

const (
	heartbeat = 50 * time.Millisecond
	patience  = 150 * time.Millisecond // at random up to twice as long
)

func startNode(w *sim.World, h *sim.Host, me int, all []*sim.Host, n *node) {
	boot(w, h, "raft", func(r *reactor.Reactor) error {
		*n = node{w: w, h: h, log: slog.New(h.LogHandler()), me: me, r: r, role: "follower", data: map[string]string{}, done: map[string]bool{},
			answers: map[int]waitingFor{}, votes: make([]bool, len(all)), next: make([]int, len(all)), match: make([]int, len(all))}
		if err := n.disk.open(h); err != nil {
			return err
		}
		n.log.Info("node begins", "term", n.disk.term, "votedFor", n.disk.vote, "entries", n.last())
		for i, peer := range all {
			if i == me {
				n.peers = append(n.peers, nil)
				continue
			}
			l := &link{r: r, log: n.log, to: peer.Name() + ":80", line: func([]byte) {}}
			n.peers = append(n.peers, l)
			l.dial()
		}
		n.wait()
		return listen(r, ":80", n.receive)
	})
}

// wait restarts the timer of the election.
func (n *node) wait() {
	if n.timer != nil {
		n.timer.Stop()
	}
	n.timer = n.r.After(patience+time.Duration(n.h.Rand().N(int64(patience))), n.elect)
}

func (n *node) receive(c *reactor.Conn, text []byte) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		n.w.Fail(fmt.Errorf("node %d was sent %q: %w", n.me, text, err))
		return
	}
	if m.Kind == "" {
		var q request
		_ = json.Unmarshal(text, &q)
		n.propose(c, q)
		return
	}
	n.handle(m)
}

func (n *node) send(to int, m message) {
	m.From, m.Term = n.me, n.disk.term
	text, _ := json.Marshal(m)
	n.peers[to].send(text)
}

func (n *node) others(f func(to int)) {
	for i := range n.peers {
		if i != n.me {
			f(i)
		}
	}
}

func (n *node) last() int           { return len(n.disk.log) }
func (n *node) termAt(i int) int    { return n.disk.termAt(i) }
func (n *node) majority(k int) bool { return 2*k > len(n.peers) }

func (n *node) elect() {
	if n.role == "leader" {
		return
	}
	n.role = "candidate"
	clear(n.votes)
	n.votes[n.me] = true
	n.keep(n.disk.setTerm(n.disk.term+1, n.me))
	n.log.Info("candidate", "term", n.disk.term, "entries", n.last(), "lastTerm", n.termAt(n.last()))
	n.others(func(to int) { n.send(to, message{Kind: "vote", Index: n.last(), LogTerm: n.termAt(n.last())}) })
	n.wait()
}

func (n *node) keep(err error) {
	if err != nil {
		n.w.Fail(err)
	}
}

// follow makes the node a follower of a term.
func (n *node) follow(term int) {
	n.role = "follower"
	if term > n.disk.term {
		n.keep(n.disk.setTerm(term, -1))
	}
}

func (n *node) handle(m message) {
	stays := bug == "leader does not step down" && n.role == "leader"
	if m.Term > n.disk.term && !stays {
		n.follow(m.Term)
	}
	stale := m.Term < n.disk.term
	switch m.Kind {
	case "vote":
		fresh := m.LogTerm > n.termAt(n.last()) || m.LogTerm == n.termAt(n.last()) && m.Index >= n.last()
		free := n.disk.vote == -1 || n.disk.vote == m.From
		ok := !stale && (free || bug == "two votes") && (fresh || bug == "vote for a stale log")
		if ok {
			n.keep(n.disk.setTerm(n.disk.term, m.From))
			n.wait()
		}
		n.log.Info("asked for a vote", "by", m.From, "term", m.Term, "itsEntries", m.Index, "itsLastTerm", m.LogTerm, "granted", ok)
		n.send(m.From, message{Kind: "voted", OK: ok})
	case "voted":
		if n.role == "candidate" && m.OK && (!stale || bug == "votes of an old term count") {
			n.votes[m.From] = true
			n.count()
		}
	case "append":
		if stale && bug != "no term check in append" {
			n.send(m.From, message{Kind: "appended"})
			return
		}
		if !stays {
			n.follow(m.Term)
		}
		n.wait()
		n.accept(m)
	case "appended":
		if n.role == "leader" && !stale {
			n.appended(m)
		}
	}
}

// count makes the node the leader if it has a majority of votes.
func (n *node) count() {
	k := 0
	for _, yes := range n.votes {
		if yes {
			k++
		}
	}
	if !n.majority(k) {
		return
	}
	n.role = "leader"
	n.log.Info("leader", "term", n.disk.term, "entries", n.last())
	for i := range n.next {
		n.next[i], n.match[i] = n.last()+1, 0
	}
	// Entries of older terms are committed together with this entry.
	if bug != "commits an old term by counting" {
		n.keep(n.disk.append(n.last(), []entry{{Term: n.disk.term}}))
	}
	n.beat(n.disk.term)
}

// beat sends entries or an empty append to all peers, as long as the node leads this term.
func (n *node) beat(term int) {
	if n.role != "leader" || n.disk.term != term {
		if n.role != "leader" {
			n.wait()
		}
		return
	}
	n.replicate()
	n.r.After(heartbeat, func() { n.beat(term) })
}

func (n *node) replicate() {
	n.others(func(to int) {
		from := n.next[to]
		entries := n.disk.log[from-1:]
		n.send(to, message{Kind: "append", Index: from - 1, LogTerm: n.termAt(from - 1), Commit: n.commit, Entries: entries[:min(len(entries), 20)]})
	})
}

// accept appends the leader's entries, if the log contains the entry before them.
func (n *node) accept(m message) {
	if m.Index > n.last() || n.termAt(m.Index) != m.LogTerm && bug != "no check of the entry before" {
		n.send(m.From, message{Kind: "appended", Index: min(m.Index-1, n.last())})
		return
	}
	for i, e := range m.Entries {
		at := m.Index + i
		if at < n.last() && n.termAt(at+1) == e.Term {
			continue
		}
		n.log.Info("entries written", "from", at+1, "to", m.Index+len(m.Entries), "had", n.last(), "leader", m.From, "term", m.Term)
		n.keep(n.disk.append(at, m.Entries[i:]))
		break
	}
	had := m.Index + len(m.Entries)
	n.commit = max(n.commit, min(m.Commit, had))
	n.apply()
	n.send(m.From, message{Kind: "appended", OK: true, Index: had})
}

func (n *node) appended(m message) {
	if !m.OK {
		n.next[m.From] = max(1, min(n.next[m.From]-1, m.Index+1))
		return
	}
	n.match[m.From] = max(n.match[m.From], m.Index)
	n.next[m.From] = n.match[m.From] + 1
	for at := n.last(); at > n.commit; at-- {
		k := 1
		n.others(func(i int) {
			if n.match[i] >= at {
				k++
			}
		})
		if n.majority(k) && (n.termAt(at) == n.disk.term || bug == "commits an old term by counting") {
			n.commit = at
			n.log.Info("committed", "index", at, "entryTerm", n.termAt(at), "term", n.disk.term)
			n.apply()
			break
		}
	}
}
