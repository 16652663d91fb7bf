package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

// A pinger counts the connections that were opened and the answers.
type pinger struct{ opened, answers *int }

func (p pinger) Opened(c *reactor.Conn)            { *p.opened++; c.Send([]byte("ping")) }
func (p pinger) Data(_ *reactor.Conn, b []byte)    { *p.answers++ }
func (p pinger) Closed(_ *reactor.Conn, err error) {}

// Ten hosts open very many connections to one server. The run's time grows linearly with their
// number: by a manual measurement 100,000 connections take at most 8 s of CPU time.
func TestManyConnectionsToOneServer(t *testing.T) {
	const hosts = 10
	each := longtest.Count(20, 100, 10_000)
	opened, answers := 0, 0
	w := sim.New(2, sim.Options{Files: 1 << 20})
	defer w.Close()
	server := w.Host("10.0.0.1")
	reactorOn(server, "echo", func(r *reactor.Reactor) {
		if _, err := r.Listen("tcp", ":80", func(*reactor.Conn) reactor.Handler { return echo{} }, reactor.WithBacklog(1<<16)); err != nil {
			t.Error(err)
		}
	})
	for i := range hosts {
		h := w.Host(fmt.Sprint("10.0.1.", i+1))
		reactorOn(h, "clients", func(r *reactor.Reactor) {
			for k := range each {
				r.After(10*time.Millisecond+time.Duration(k)*time.Microsecond, func() {
					if _, err := r.Dial("tcp", "10.0.0.1:80", pinger{&opened, &answers}); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
	if err := w.RunUntil(func() bool { return answers == hosts*each }, time.Hour); err != nil {
		t.Errorf("%d opened, %d answers of %d: %.300v", opened, answers, hosts*each, err)
	}
}
