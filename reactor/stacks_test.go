//go:build unix

package reactor_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/stacks"
	"github.com/ureactor/ureactor/reactor"
)

func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// hold blocks a callback or a Task until the test closes the channel.
//
//go:noinline
func hold(end <-chan struct{}) { <-end }

// sleepLong puts its name on the stack of a Task that sleeps.
//
//go:noinline
func sleepLong(t *reactor.Task) { _ = t.Sleep(time.Hour) }

// The test of package internal/stacks is here, because a test binary takes longer to link than to
// run. It has two loops: one is in a callback, the other one in a Task. Loop must find the stack of
// each by its address. Task must find the stack of a Task that sleeps.
func TestStacksOfLoopsAndTasksAreFound(t *testing.T) {
	one, two := startLoop(t), startLoop(t)
	end := make(chan struct{})
	held := make(chan uintptr, 2)
	asleep := make(chan *reactor.Task, 1)
	one.Post(func() {
		asleep <- one.Go(func(task *reactor.Task) {
			held <- 0
			sleepLong(task)
		})
	})
	sleeper := <-asleep
	<-held
	one.Post(func() {
		held <- 0
		hold(end)
	})
	two.Post(func() {
		two.Go(func(task *reactor.Task) {
			held <- address(task)
			hold(end)
		})
	})
	task := <-held + <-held
	all := stacksOfHolders(t, 2)
	for name, c := range map[string]struct{ stack, has, lacks string }{
		"a callback":     {stacks.Loop(all, address(one)), "reactor_test.hold", "(*Task).run"},
		"a running Task": {stacks.Loop(all, address(two)), "reactor_test.hold", "sleepLong"},
		"its Task":       {stacks.Task(all, task), "reactor_test.hold", "(*Reactor).turn"},
		"a sleeper":      {stacks.Task(all, address(sleeper)), "reactor_test.sleepLong", "(*Reactor).turn"},
	} {
		if !strings.Contains(c.stack, c.has) || strings.Contains(c.stack, c.lacks) {
			t.Errorf("%s: want %s and not %s:\n%s", name, c.has, c.lacks, c.stack)
		}
	}
	if s := stacks.Loop(all, 0x10); s != "" {
		t.Errorf("found for no loop:\n%s", s)
	}
	close(end)
}

// A Task runs its second step. Two other Tasks sleep: one has begun before it, and one after it.
// Loop must find the stack of the Task that runs.
func TestStackOfATaskInItsSecondStepIsFound(t *testing.T) {
	r := startLoop(t)
	end := make(chan struct{})
	held := make(chan struct{})
	r.Post(func() {
		r.Go(sleepLong)
		r.Go(func(task *reactor.Task) {
			task.Go(sleepLong)
			task.Sleep(0)
			close(held)
			hold(end)
		})
	})
	<-held
	if s := stacks.Loop(stacksOfHolders(t, 1), address(r)); !strings.Contains(s, "reactor_test.hold") || strings.Contains(s, "sleepLong") {
		t.Errorf("Loop: %s", s)
	}
	close(end)
}

// stacksOfHolders reads all stacks when n goroutines are in hold.
func stacksOfHolders(t *testing.T, n int) string {
	for end := time.Now().Add(longtest.Guard); ; time.Sleep(time.Millisecond) {
		all := stacks.All()
		if strings.Count(all, "reactor_test.hold(") == n {
			return all
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are not in hold:\n%s", n, all)
		}
	}
}

func startLoop(t *testing.T) *reactor.Reactor {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.Shutdown(ctx)
	})
	return r
}
