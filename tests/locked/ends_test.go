//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package locked

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// inEachPair runs f with each pair of places. Both may be the same place.
func inEachPair(t *testing.T, f func(t *testing.T, one, other string)) {
	for one := range places {
		for other := range places {
			t.Run(one+", then "+other, func(t *testing.T) { f(t, one, other) })
		}
	}
}

// sleeper returns a loop with a Task that sleeps. Nobody runs the loop yet. began is closed when
// the Task has begun, and ended is closed when its deferred functions run.
func sleeper(t *testing.T) (r *reactor.Reactor, began, ended chan struct{}) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	began, ended = make(chan struct{}), make(chan struct{})
	r.Go(func(k *reactor.Task) {
		defer close(ended)
		close(began)
		_ = k.Sleep(time.Hour)
	})
	return r, began, ended
}

// One goroutine runs a loop with a Task that sleeps. A panic ends the call of Run or Shutdown, and
// the caller recovers. Another goroutine calls Shutdown before or after the panic, perhaps after a
// Close or after the end of Run's context. Shutdown returns. It resumes the Task unless the Task
// began on a locked goroutine.
func TestShutdownAfterAPanic(t *testing.T) {
	for _, run := range []string{"Run", "Shutdown"} {
		for _, end := range []string{"Shutdown", "Shutdown before", "Close", "context"} {
			t.Run(run+" and "+end, func(t *testing.T) {
				inEachPair(t, func(t *testing.T, one, other string) {
					if end != "Shutdown before" || one != other {
						shutdownAfterAPanic(t, run, end, one, other)
					}
				})
			})
		}
	}
}

func shutdownAfterAPanic(t *testing.T, run, end, one, other string) {
	r, began, ended := sleeper(t)
	defer r.Shutdown(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	left := make(chan struct{})
	draining := make(chan struct{})
	if run == "Shutdown" { // the drain lets this Task continue, so there is time for the panic
		began = make(chan struct{})
		r.Go(func(k *reactor.Task) { _ = k.Await(func() { close(began); <-draining }) })
	}
	defer close(draining)
	go places[one](func() {
		defer close(left)
		defer func() { recover() }()
		if run == "Run" {
			_ = r.Run(ctx)
		} else {
			_ = r.Shutdown(ctx)
		}
	})
	<-began
	result := make(chan error, 1)
	shutdown := func() { places[other](func() { result <- r.Shutdown(context.Background()) }) }
	panics := make(chan struct{})
	if err := r.Post(func() { <-panics; panic("oops") }); err != nil {
		t.Fatal(err)
	}
	if end == "Shutdown before" {
		go shutdown()
	}
	close(panics)
	<-left
	switch end {
	case "Close":
		r.Close()
	case "context":
		cancel()
	}
	if end != "Shutdown before" {
		shutdown()
	}
	var p *reactor.PanicError
	if err := <-result; !errors.As(err, &p) {
		t.Errorf("Shutdown: %v, want the panic", err)
	}
	select {
	case <-ended:
	default:
		if one == "goroutine" {
			t.Error("the Task began where nothing was locked, and was not resumed")
		}
	}
}

// A loop has Tasks, and nobody has run it. One goroutine calls Shutdown, which runs the loop.
// Another goroutine calls Run and waits for the end of Shutdown. If the context of a Shutdown ends,
// this call returns and the drain continues.
func TestShutdownBeforeRun(t *testing.T) {
	inEachPair(t, func(t *testing.T, one, other string) {
		if one == other {
			return // one goroutine cannot do both at the same time
		}
		r, _, _ := sleeper(t)
		began, goesOn := make(chan struct{}), make(chan struct{})
		r.Go(func(k *reactor.Task) { _ = k.Await(func() { close(began); <-goesOn }) })
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		left := make(chan error, 3)
		go places[one](func() { left <- r.Shutdown(ctx) })
		<-began
		go places[other](func() { left <- r.Run(context.Background()) })
		go func() { left <- r.Shutdown(context.Background()) }()
		cancel()
		wait := func() {
			if err := <-left; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if one == "goroutine" { // otherwise Shutdown runs the loop until the end
			wait()
		}
		close(goesOn)
		if one != "goroutine" {
			wait()
		}
		wait()
		wait()
	})
}

// One goroutine starts to turn a loop with a Task, and another goroutine continues. If only one of
// the two is locked to its thread, that is misuse: Turn panics with a message. Then the first
// goroutine can continue.
func TestTurnGoesOnElsewhere(t *testing.T) {
	inEachPair(t, func(t *testing.T, one, other string) {
		r, _, ended := sleeper(t)
		again := make(chan func())
		done := make(chan struct{})
		go places[one](func() {
			defer close(done)
			_ = r.Turn(0)
			for f := range again {
				f()
			}
		})
		says := ""
		turn := func() {
			defer func() {
				if v := recover(); v != nil {
					says = fmt.Sprint(v)
				}
			}()
			for r.Close(); r.Turn(0) != reactor.ErrClosed; {
			}
		}
		again <- func() {}
		if one == "main" && other == "main" {
			again <- turn
		} else {
			places[other](turn)
		}
		free := one == "goroutine" && other == "goroutine" || one == "main" && other == "main"
		if !free && !strings.Contains(says, "LockOSThread") {
			t.Errorf("Turn says %q", says)
		}
		if !free {
			says = ""
			again <- turn
		}
		close(again)
		<-done
		if says != "" {
			t.Errorf("Turn says %q", says)
		}
		<-ended
	})
}
