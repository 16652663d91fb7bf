//go:build unix

package reactor

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// One wait of a cancelled task returns ECANCELED. Then the task ends in order.
func TestCancelIsToldOnce(t *testing.T) {
	twice(t, func(t *lab) {
		runTask(t, func(task *Task) {
			var got error
			u := task.Go(func(u *Task) { got = u.Sleep(time.Hour) })
			task.Sleep(0)
			ctx := u.Context()
			u.Cancel()
			u.Cancel()
			if _, err := task.Join(u); err != nil || !errors.Is(got, syscall.ECANCELED) {
				t.Errorf("joined with %v, slept with %v", err, got)
			}
			if ctx.Err() == nil {
				t.Error("the context lives on")
			}
		})
	})
}

// A task ignores ECANCELED and sleeps again. That second wait unwinds the task, and its deferred
// functions run.
func TestTaskThatIgnoresCancelIsUnwound(t *testing.T) {
	twice(t, func(t *lab) {
		runTask(t, func(task *Task) {
			waits, deferred := 0, false
			u := task.Go(func(u *Task) {
				defer func() { deferred = true }()
				for {
					waits++
					u.Sleep(time.Hour)
				}
			})
			task.Sleep(0)
			u.Cancel()
			if _, err := task.Join(u); err != ErrUnwound || !errors.Is(err, syscall.ECANCELED) {
				t.Errorf("joined with %v, want ErrUnwound", err)
			}
			if waits != 2 || !deferred {
				t.Errorf("%d waits, deferred functions ran: %v", waits, deferred)
			}
		})
	})
}

// Shutdown ends every Task: one that ignores ECANCELED, one that sleeps, one that has not begun,
// and one in Await.
func TestShutdownEndsEveryTask(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var ended atomic.Int32
	started := make(chan bool, 4)
	for _, f := range []func(u *Task){
		func(u *Task) {
			for {
				u.Sleep(time.Hour)
			}
		},
		func(u *Task) { u.Sleep(time.Hour) },
		func(u *Task) { u.Await(func() { <-u.Context().Done() }) },
	} {
		r.Go(func(u *Task) {
			defer ended.Add(1)
			u.Context()
			started <- true
			f(u)
		})
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	for range 3 {
		<-started
	}
	if err := r.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil || ended.Load() != 3 {
		t.Errorf("Run: %v, %d tasks ended", err, ended.Load())
	}
	if s := r.Stats(); s.Tasks != 0 {
		t.Errorf("%d tasks left", s.Tasks)
	}
	if u := r.Go(func(*Task) { t.Error("started after the end") }); !u.Done() {
		t.Error("a task of an ended reactor is not done")
	}
}
