package raft

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

type layer struct {
	net.Listener
	n kit.Net
}

func (l layer) Dial(a raft.ServerAddress, d time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return l.n.Dial(ctx, "tcp", string(a))
}

type fsm struct {
	mu sync.Mutex
	n  int
	b  []byte
}

func (f *fsm) Apply(*raft.Log) any { f.mu.Lock(); defer f.mu.Unlock(); f.n++; return f.n }
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return snap{f.n}, nil
}
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || len(b) != 4<<20 {
		return fmt.Errorf("restore: %d, %v", len(b), err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Sscanf(string(b[:20]), "%d", &f.n)
	return nil
}

type snap struct{ n int }

func (s snap) Persist(w raft.SnapshotSink) error {
	b := make([]byte, 4<<20)
	copy(b, fmt.Sprintf("%-20d", s.n))
	w.Write(b)
	return w.Close()
}
func (snap) Release() {}

type node struct {
	r     *raft.Raft
	f     *fsm
	t     *raft.NetworkTransport
	logs  *raft.InmemStore
	snaps *raft.InmemSnapshotStore
	addr  string
}

func (d *node) start(n kit.Net, id string) error {
	addr := d.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := n.Listen("tcp", addr)
	if err != nil {
		return err
	}
	d.addr = l.Addr().String()
	d.t = raft.NewNetworkTransport(layer{l, n}, 3, time.Second, io.Discard)
	cfg := raft.DefaultConfig()
	cfg.LocalID = raft.ServerID(id)
	cfg.HeartbeatTimeout, cfg.ElectionTimeout, cfg.LeaderLeaseTimeout, cfg.CommitTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond, 5*time.Millisecond
	cfg.Logger = hclog.NewNullLogger()
	cfg.TrailingLogs = 10
	cfg.SnapshotThreshold = 1 << 30
	d.f = &fsm{}
	d.r, err = raft.NewRaft(cfg, d.f, d.logs, d.logs, d.snaps, d.t)
	return err
}

func (d *node) stop() { d.r.Shutdown().Error(); d.t.Close() }

func run(n kit.Net) error {
	var ds [3]*node
	var conf raft.Configuration
	for i := range ds {
		ds[i] = &node{logs: raft.NewInmemStore(), snaps: raft.NewInmemSnapshotStore()}
		if err := ds[i].start(n, fmt.Sprint(i)); err != nil {
			return err
		}
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(fmt.Sprint(i)), Address: raft.ServerAddress(ds[i].addr)})
	}
	if err := ds[0].r.BootstrapCluster(conf).Error(); err != nil {
		return err
	}
	leader := func() (*node, error) {
		for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			for _, d := range ds {
				if d.r.State() == raft.Leader {
					return d, nil
				}
			}
		}
		return nil, fmt.Errorf("no leader")
	}
	d, err := leader()
	if err != nil {
		return err
	}
	apply := func(d *node, k int) error {
		var fs []raft.ApplyFuture
		for i := 0; i < k; i++ {
			fs = append(fs, d.r.Apply(make([]byte, 500), 5*time.Second))
		}
		for _, f := range fs {
			if err := f.Error(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := apply(d, 1000); err != nil {
		return err
	}
	var away *node
	for i := range ds {
		if ds[i] != d {
			away = ds[i]
			away.stop()
			if err := apply(d, 1000); err != nil {
				return err
			}
			if err := d.r.Snapshot().Error(); err != nil {
				return fmt.Errorf("snapshot: %w", err)
			}
			if err := away.start(n, fmt.Sprint(i)); err != nil { // the same address, immediately
				return fmt.Errorf("restart: %w", err)
			}
			break
		}
	}
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		away.f.mu.Lock()
		got := away.f.n
		away.f.mu.Unlock()
		if got == 2000 {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("the node that was away has %d", got)
		}
	}
	if err := d.r.LeadershipTransfer().Error(); err != nil {
		return fmt.Errorf("transfer: %w", err)
	}
	if d, err = leader(); err != nil {
		return err
	}
	for i := 0; apply(d, 100) != nil; i++ {
		if d, err = leader(); err != nil || i > 20 {
			return fmt.Errorf("apply: %v", err)
		}
	}
	for _, d := range ds {
		d.stop()
	}
	return nil
}

// Three nodes give the same results as over package net: elections, 2,000 entries, and a transfer
// of leadership. One node is stopped, listens at its address again, and receives a snapshot.
func TestRaft(t *testing.T) { kit.Same(t, run) }
