package simulated

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ureactor/ureactor/sim"
)

// chaos is how long faults happen. All operations must then be complete within peace.
const (
	chaos = 8 * time.Second
	peace = time.Minute
)

var faults = sim.Faults{ShortRead: 10 * sim.Percent, ShortWrite: 10 * sim.Percent, Again: 2 * sim.Percent, Spurious: 2 * sim.Percent,
	Loss: sim.Percent / 2, Reset: sim.Percent / 5, SlowFIN: 5 * sim.Percent, SlowAccepts: 5 * sim.Percent}

// options varies the sizes of buffers and segments with the seed.
func options(seed uint64) sim.Options {
	o := sim.Options{Faults: faults, Latency: 2 * time.Millisecond, Jitter: 3 * time.Millisecond}
	if seed%3 == 0 {
		o.Segment = 100
	}
	return o
}

// trouble plans crashes, kills, pauses, drifts of clocks, and cuts.
func trouble(w *sim.World, servers []*sim.Host, program string) {
	r := w.Rand()
	one := func() *sim.Host { return servers[r.Int(len(servers))] }
	for range 6 {
		at, h := time.Duration(r.N(int64(chaos))), one()
		span := time.Duration(r.N(int64(time.Second)))
		switch r.Int(5) {
		case 0, 1:
			w.At(at, h.Crash)
			w.At(at+span, h.Restart)
		case 2:
			w.At(at, func() { h.Kill(program) })
			w.At(at+span, func() { h.Start(program) })
		case 3:
			w.At(at, func() { h.Pause(span + 1) })
		case 4: // in the middle of a Sync: the write before it may be torn
			nth := 1 + r.Int(15)
			w.At(at, func() {
				h.During(sim.FileSync, nth, func(int) {
					if w.Now() < chaos {
						w.At(span, h.Restart)
						h.Crash()
					}
				})
			})
		}
	}
	for range 5 {
		at, span, h := time.Duration(r.N(int64(chaos))), time.Duration(r.N(int64(2*time.Second))), one()
		w.At(at, func() {
			var rest []*sim.Host
			for _, o := range servers {
				if o != h {
					rest = append(rest, o)
				}
			}
			w.At(span, w.Partition([]*sim.Host{h}, rest).Heal)
		})
	}
	for _, h := range servers {
		h.SetClock(sim.Chance(r.N(100_000) - 50_000))
	}
	w.At(chaos, func() {
		w.SetFaults(sim.Faults{})
		w.Heal()
		for _, h := range servers {
			h.Restart()
			h.SetClock(0)
			h.Start(program)
		}
	})
}

// finish runs the world until all clients have all their answers, and checks the history.
func finish(w *sim.World, clients []*client, history *[]porcupine.Operation) error {
	if err := w.Run(chaos); err != nil {
		return err
	}
	if err := w.RunUntil(func() bool {
		for _, c := range clients {
			if c.left > 0 {
				return false
			}
		}
		return true
	}, peace); err != nil {
		return err
	}
	if err := w.Run(10 * time.Second); err != nil { // TCP repeats lost data after at most 5 s
		return err
	}
	return linearizable(*history)
}

// storeWorld runs the primary, its backup and three clients.
func storeWorld(w *sim.World) error {
	hp, hb := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	p, b := &primary{}, &store{}
	startPrimary(w, hp, hb, p)
	startBackup(w, hb, b)
	var history []porcupine.Operation
	var clients []*client
	ops := w.Size("operations", 20)
	for i := range w.Size("clients", 3) {
		clients = append(clients, newClient(w, i, ops, []string{"10.0.0.1:80"}, &history))
	}
	trouble(w, []*sim.Host{hp}, "primary")
	trouble(w, []*sim.Host{hb}, "backup")
	if err := finish(w, clients, &history); err != nil {
		return err
	}
	if !reflect.DeepEqual(p.log, b.log) {
		return fmt.Errorf("the primary has %d records, the backup %d, and they are not equal", len(p.log), len(b.log))
	}
	return nil
}

// raftWorld runs three nodes and three clients. It continuously checks the promises of Raft.
func raftWorld(w *sim.World) error {
	var hosts []*sim.Host
	var servers []string
	nodes := make([]*node, 3)
	for i := range nodes {
		hosts = append(hosts, w.Host(fmt.Sprintf("10.0.0.%d", i+1)))
		servers = append(servers, hosts[i].Name()+":80")
	}
	for i := range nodes {
		nodes[i] = &node{}
		startNode(w, hosts[i], i, hosts, nodes[i])
	}
	var history []porcupine.Operation
	var clients []*client
	ops := w.Size("operations", 20)
	for i := range w.Size("clients", 3) {
		clients = append(clients, newClient(w, i, ops, servers, &history))
	}
	trouble(w, hosts, "raft")
	leaders := map[int]int{}
	var committed []entry
	var look func()
	look = func() {
		for i, n := range nodes {
			if n.r == nil || !hosts[i].Up() {
				continue
			}
			if n.role == "leader" {
				if l, is := leaders[n.disk.term]; is && l != i {
					w.Fail(fmt.Errorf("nodes %d and %d are leaders of term %d", l, i, n.disk.term))
				}
				leaders[n.disk.term] = i
			}
			for at := 0; at < n.applied && at < len(n.disk.log); at++ {
				e := n.disk.log[at]
				if at == len(committed) {
					committed = append(committed, e)
				} else if committed[at] != e {
					w.Fail(fmt.Errorf("two entries were committed at index %d", at+1))
				}
			}
		}
		w.At(5*time.Millisecond, look)
	}
	look()
	if err := finish(w, clients, &history); err != nil {
		return err
	}
	lead := 0
	for i, n := range nodes {
		if n.role == "leader" {
			lead++
		}
		if n.applied < len(committed) {
			return fmt.Errorf("in peace node %d has applied %d of %d entries", i, n.applied, len(committed))
		}
	}
	if lead != 1 {
		return fmt.Errorf("in peace %d nodes lead", lead)
	}
	return nil
}

// wellFormed returns whether a value contains each change completely and at most once.
func wellFormed(value string) bool {
	seen := map[string]bool{}
	for _, id := range strings.Fields(value) {
		if seen[id] || strings.Count(id, ".") != 1 {
			return false
		}
		seen[id] = true
	}
	return true
}
