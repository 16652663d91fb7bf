//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/secure/forge"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A storm is input that costs the receiver much more than the sender: records of one byte, and
// before each of them as many records without data as crypto/tls allows in a row.
type storm struct {
	name   string
	before func(*forge.Sealer) []byte // makes a record without data; nil if there are none
	each   int                        // how many records belong to each byte
	most   int                        // how many records a turn may decrypt for a Handler
	least  int                        // how many records the busiest turn decrypts for a Handler
}

var storms = []storm{
	{"single bytes", nil, 1, 256, 256},
	{"empty records", func(s *forge.Sealer) []byte { return s.Seal(forge.Application, nil) }, 17, 64, 17},
	{"new keys", (*forge.Sealer).KeyUpdate, 17, 64, 17},
}

// send is a client in a task. It makes the handshake, sends n bytes in one Write, and ends the
// stream. Another task reads the answers of the server.
func (s storm) send(task *reactor.Task, raw net.Conn, n int) error {
	var secrets strings.Builder
	cfg := clientConfig()
	cfg.KeyLogWriter, cfg.MinVersion = &secrets, tls.VersionTLS13
	c := tls.Client(raw, cfg)
	if err := c.Handshake(); err != nil {
		return err
	}
	seal, err := forge.New(secrets.String(), false)
	if err != nil {
		return err
	}
	var p []byte
	for range n {
		for range s.each - 1 {
			p = append(p, s.before(seal)...)
		}
		p = append(p, seal.Seal(forge.Application, []byte("x"))...)
	}
	answers := task.Go(func(*reactor.Task) { _, _ = io.Copy(io.Discard, raw) })
	if _, err := raw.Write(append(p, seal.CloseNotify()...)); err != nil {
		return err
	}
	_, err = task.Join(answers)
	return err
}

// A stormed server counts the TLS records that it decrypts before other tasks or callbacks can run.
type stormed struct {
	each      int // records per byte of data
	got, most int
	bytes     int
	ended     error
}

func (s *stormed) data(n int) {
	s.bytes += n
	s.got += n * s.each
	s.most = max(s.most, s.got)
}

// rest is called when other tasks or callbacks could run.
func (s *stormed) rest() { s.got = 0 }

// A turn of the loop decrypts a bounded number of one peer's records, even if the records have few
// bytes. A task also yields after a bounded number of records. All data arrives. The host is
// simulated, so that the load of the machine has no effect.
func TestTLSRecordsOfATurnAreBounded(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	n := longtest.Count(300, 600, 1000)
	for _, s := range storms {
		for style, serve := range map[string]func(*reactor.Task, *stormed){"handler": stormHandler, "task": stormTask} {
			t.Run(s.name+"/"+style, func(t *testing.T) {
				w := sim.New(1, sim.Options{})
				defer w.Close()
				got := &stormed{each: s.each}
				boot := func(h *sim.Host, f func(*reactor.Task)) {
					h.Boot("main", func() {
						r, err := reactor.New(reactor.WithKernel(h))
						if err != nil {
							t.Error(err)
							return
						}
						r.Go(func(task *reactor.Task) { defer r.Close(); f(task) })
						_ = r.Run(context.Background())
					})
				}
				boot(w.Host("10.0.0.1"), func(task *reactor.Task) { serve(task, got) })
				boot(w.Host("10.0.0.2"), func(task *reactor.Task) {
					_ = task.Sleep(time.Millisecond)
					raw, err := netconn.On(task.Reactor()).Dial("tcp", "10.0.0.1:7")
					if err == nil {
						err = s.send(task, raw, n)
						raw.Close()
					}
					if err != nil {
						t.Error(err)
					}
				})
				if err := w.RunUntilDone(time.Hour); err != nil {
					t.Fatal(err)
				}
				if got.bytes != n || got.ended != nil {
					t.Errorf("%d bytes, %v", got.bytes, got.ended)
				}
				least, most := 1, 256+17
				if style == "handler" {
					least, most = s.least, s.most
				}
				if got.most < least || got.most > most {
					t.Errorf("%d records at once, want %d … %d", got.most, least, most)
				}
			})
		}
	}
}

// stormHandler serves one Conn with a Handler.
func stormHandler(task *reactor.Task, s *stormed) {
	r := task.Reactor()
	ended, turn := false, r.Stats().Turns
	h := &events{
		data: func(_ *reactor.Conn, p []byte) {
			if now := r.Stats().Turns; now != turn { // Turns is counted at the end of each turn
				turn = now
				s.rest()
			}
			s.data(len(p))
		},
		closed: func(_ *reactor.Conn, err error) { s.ended, ended = err, true },
	}
	l, err := r.Listen("tcp", "10.0.0.1:7", func(*reactor.Conn) reactor.Handler { return h }, netconn.WithTLS(serverConfig()))
	if err != nil {
		s.ended = err
		return
	}
	for !ended {
		_ = task.Sleep(time.Millisecond)
	}
	_ = l.Close()
}

// stormTask serves one Conn in a task, beside another task.
func stormTask(task *reactor.Task, s *stormed) {
	l, err := netconn.On(task.Reactor()).Listen("tcp", "10.0.0.1:7")
	if err != nil {
		s.ended = err
		return
	}
	raw, err := l.Accept()
	if err != nil {
		s.ended = err
		return
	}
	defer l.Close()
	c := netconn.Server(raw, serverConfig())
	defer c.Close()
	over := false
	defer func() { over = true }()
	task.Go(func(other *reactor.Task) {
		for !over {
			s.rest()
			_ = other.Sleep(0)
		}
	})
	p := make([]byte, 100)
	for {
		n, err := c.Read(p)
		s.data(n)
		if err != nil {
			if err != io.EOF {
				s.ended = err
			}
			return
		}
	}
}
