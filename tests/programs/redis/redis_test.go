package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

// at is the server's address.
var at string

func goredis(n kit.Net) error {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: at, PoolSize: 16, MaxRetries: -1, ReadTimeout: time.Minute, Dialer: func(ctx context.Context, network, a string) (net.Conn, error) {
		return n.Dial(ctx, network, a)
	}})
	defer c.Close()
	var wg sync.WaitGroup
	errs := make(chan error, 32)
	for w := 0; w < 16; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < 300; i++ {
				k := fmt.Sprintf("k%d-%d", w, i)
				if err := c.Set(ctx, k, i, 0).Err(); err != nil {
					errs <- err
					return
				}
				if v, err := c.Get(ctx, k).Int(); err != nil || v != i {
					errs <- fmt.Errorf("%d, %v", v, err)
					return
				}
			}
		}()
	}
	wg.Wait()
	for i := 0; i < 20; i++ {
		p := c.Pipeline()
		for j := 0; j < 1000; j++ {
			p.Incr(ctx, "n")
		}
		if _, err := p.Exec(ctx); err != nil {
			return fmt.Errorf("pipeline: %w", err)
		}
	}
	big := make([]byte, 8<<20)
	if err := c.Set(ctx, "big", big, 0).Err(); err != nil {
		return err
	}
	if b, err := c.Get(ctx, "big").Bytes(); err != nil || len(b) != len(big) {
		return fmt.Errorf("big: %d, %v", len(b), err)
	}
	sub := c.Subscribe(ctx, "ch")
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	ch := sub.Channel(redis.WithChannelSize(3000))
	for i := 0; i < 2000; i++ {
		if err := c.Publish(ctx, "ch", i).Err(); err != nil {
			return err
		}
	}
	for i := 0; i < 2000; i++ {
		if m := <-ch; m.Payload != fmt.Sprint(i) {
			return fmt.Errorf("message %d is %s", i, m.Payload)
		}
	}
	sub.Close()
	// A timeout ends a call that blocks.
	d := redis.NewClient(&redis.Options{Addr: at, MaxRetries: -1, ReadTimeout: 100 * time.Millisecond, ContextTimeoutEnabled: true, Dialer: func(ctx context.Context, network, a string) (net.Conn, error) {
		return n.Dial(ctx, network, a)
	}})
	defer d.Close()
	if err := c.Do(ctx, "client", "pause", "300").Err(); err != nil {
		return err
	}
	err := d.Set(ctx, "x", 1, 0).Err()
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		return fmt.Errorf("timeout: %v", err)
	}
	time.Sleep(300 * time.Millisecond)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := d.BLPop(short, time.Second, "none").Err(); !errors.As(err, &ne) || !ne.Timeout() {
		return fmt.Errorf("context: %v", err)
	}
	close(errs)
	return <-errs
}

// go-redis gives the same results as over package net: 16 connections, pipelines, a value of 8 MiB,
// a subscription with 2,000 messages, and calls that a timeout or a context ends.
func TestRedis(t *testing.T) {
	server := kit.Program(t, "redis-server", "redis-server")
	at = kit.FreePort(t)
	_, port, _ := net.SplitHostPort(at)
	kit.Service(t, exec.Command(server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()), at)
	kit.Same(t, goredis)
}
