//go:build unix

package socket_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// A Task that is about to sleep may switch directly to the next Task, and not to the loop. Twelve
// Tasks get random orders, many of them in one turn: to answer, yield, sleep, time out, read in an
// iterator, start or cancel another Task, return, panic, or call runtime.Goexit. Each order is
// answered. On the simulated kernel, the history is the same as with a Trace, with which all Tasks
// switch to the loop.
func TestTasksThatSwitchDirectly(t *testing.T) {
	enter := reactor.WithTrace(reactor.Trace{Enter: func(string) {}, Leave: func() {}})
	most := 2000
	if raceEnabled { // it makes a switch of coroutines fifty times slower
		most = 50
	}
	for seed := range longtest.Seeds(t, 2, 25, most) {
		through := playSimulated(t, seed, enter)
		if direct := playSimulated(t, seed); !slices.Equal(direct, through) {
			t.Fatalf("seed %d: two histories:\n%v\n%v", seed, direct, through)
		}
		if seed%5 == 0 {
			play(t, kernel.Host, seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

const orders = "eeeeyrpgitnwc"

// An ensemble has Tasks that do what they are ordered to do.
type ensemble struct {
	l       *lab
	players []*reactor.Task
	history []string
}

func playSimulated(t *testing.T, seed uint64, opts ...reactor.Option) []string {
	w := sim.New(seed, sim.Options{})
	defer w.Close()
	return play(t, w.Host("10.0.0.1"), seed, opts...)
}

func play(t *testing.T, k kernel.Kernel, seed uint64, opts ...reactor.Option) []string {
	const players, rounds = 12, 40
	r, err := reactor.New(append(opts, reactor.WithKernel(k), reactor.WithPanicHandler(func(*reactor.Conn, any, []byte) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	e := &ensemble{l: &lab{t: t, k: k, r: r, os: "linux", open: new(owned)}, players: make([]*reactor.Task, players)}
	random := rand.New(rand.NewPCG(seed, 0))
	conduct := func(task *reactor.Task) {
		e.l.task = task
		var clients []*socket.Socket
		for i := range players {
			c, s := e.l.pair()
			clients = append(clients, c)
			e.play(i, s)
		}
		for range rounds {
			chosen := random.Perm(players)[:1+random.IntN(players)]
			var given []byte
			for _, i := range chosen {
				given = append(given, orders[random.IntN(len(orders))])
				e.l.send(clients[i], string(given[len(given)-1:]))
			}
			for at, i := range chosen {
				e.l.recv(clients[i], 1, string(given[at:at+1]))
			}
		}
	}
	r.Go(func(task *reactor.Task) {
		caught(t, func() { conduct(task) })
		e.l.closeAll()
		r.Close()
	})
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Error("the reactor: ", err)
	}
	return e.history
}

// play starts a Task that reads orders.
func (e *ensemble) play(i int, s *socket.Socket) {
	e.players[i] = e.l.r.Go(func(task *reactor.Task) {
		for {
			order, err := s.Recv(1)
			e.history = append(e.history, fmt.Sprint(i, string(order), err))
			if err == nil && len(order) == 1 {
				err = e.obey(task, i, s, order)
			}
			switch {
			case errors.Is(err, syscall.ETIMEDOUT):
				s.SetTimeout(timeout.None)
			case errors.Is(err, syscall.ECANCELED):
				e.play(i, s)
				return
			case err != nil || len(order) == 0:
				return
			}
		}
	})
}

// obey answers the order. If it returns an error, the Task must return.
func (e *ensemble) obey(task *reactor.Task, i int, s *socket.Socket, order []byte) (err error) {
	answer := func() { s.SendAll(order) }
	switch order[0] {
	case 'y':
		err = task.Sleep(0)
	case 'w':
		err = task.Sleep(time.Millisecond)
	case 't':
		err = s.SetTimeout(timeout.Timeout(time.Millisecond << (i % 8)))
	case 'c':
		e.players[(i+1)%len(e.players)].Cancel()
	case 'n':
		_, err = task.Join(task.Go(func(*reactor.Task) { answer() }))
		return err
	case 'i':
		answer()
		next, stop := iter.Pull(func(yield func([]byte) bool) {
			if order, err = s.Recv(1); len(order) == 1 {
				yield(order)
			}
		})
		defer stop()
		if _, ok := next(); !ok {
			return cmp.Or(err, io.EOF)
		}
	case 'r', 'p', 'g':
		answer()
		e.play(i, s)
		switch order[0] {
		case 'p':
			panic("on purpose")
		case 'g':
			runtime.Goexit()
		}
		return io.EOF
	}
	answer()
	return err
}
