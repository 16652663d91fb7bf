package simulated

import "github.com/ureactor/ureactor/reactor"

// propose appends a client's request to the log if the node is the leader. Reads also pass through
// the log.
func (n *node) propose(c *reactor.Conn, q request) {
	if n.role != "leader" {
		n.answer(c, reply{ID: q.ID})
		return
	}
	if bug == "reads of the leader's memory" && q.Op == "get" {
		n.answer(c, reply{ID: q.ID, OK: true, Value: n.data[q.Key]})
		return
	}
	n.log.Info("proposed", "id", q.ID, "index", n.last()+1, "term", n.disk.term)
	n.keep(n.disk.append(n.last(), []entry{{n.disk.term, q}}))
	n.answers[n.last()] = waitingFor{n.disk.term, c}
	if bug == "answer before commit" && q.Op == "append" {
		n.answer(c, reply{ID: q.ID, OK: true})
	}
	n.replicate()
}

func (n *node) apply() {
	for n.applied < n.commit {
		n.applied++
		e := n.disk.log[n.applied-1]
		if e.Op == "append" && (!n.done[e.ID] || bug == "applies twice") {
			n.data[e.Key] += e.Value
			n.done[e.ID] = true
		}
		if x, is := n.answers[n.applied]; is {
			delete(n.answers, n.applied)
			if x.term == e.Term {
				n.answer(x.c, reply{ID: e.ID, OK: true, Value: n.data[e.Key]})
			}
		}
	}
}
