package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ureactor/ureactor/tests/programs/kit"
)

// url is the URL of the database.
var url string

func run(n kit.Net, mode string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cfg, err := pgxpool.ParseConfig(url + "?sslmode=" + mode)
	if err != nil {
		return err
	}
	cfg.MaxConns = 8
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) { return n.Dial(ctx, network, addr) }
	p, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := p.Exec(ctx, "drop table if exists r; create table r (id int8 primary key, name text, at timestamptz)"); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	i := 0
	now := time.Now()
	k, err := p.CopyFrom(ctx, pgx.Identifier{"r"}, []string{"id", "name", "at"}, pgx.CopyFromFunc(func() ([]any, error) {
		if i == 100000 {
			return nil, nil
		}
		i++
		return []any{int64(i), fmt.Sprintf("name of the row number %d", i), now}, nil
	}))
	if err != nil || k != 100000 {
		return fmt.Errorf("copy: %d, %w", k, err)
	}
	rows, err := p.Query(ctx, "select id, name from r order by id")
	if err != nil {
		return err
	}
	count := int64(0)
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		if count++; id != count {
			return fmt.Errorf("row %d is %d", count, id)
		}
	}
	if rows.Err() != nil || count != 100000 {
		return fmt.Errorf("select: %d, %w", count, rows.Err())
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for w := 0; w < 8; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 200; j++ {
				var s string
				if err := p.QueryRow(ctx, "select name from r where id = $1", j+1).Scan(&s); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return fmt.Errorf("queries: %w", err)
	}
	// The end of a context promptly cancels a running query.
	short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	start := time.Now()
	_, err = p.Exec(short, "select pg_sleep(10)")
	stop()
	if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d > 9*time.Second || !pgconn.Timeout(err) {
		return fmt.Errorf("cancel: %v after %v", err, d)
	}
	// Pipelines.
	b := &pgx.Batch{}
	for j := 0; j < 1000; j++ {
		b.Queue("select $1::int", j)
	}
	br := p.SendBatch(ctx, b)
	for j := 0; j < 1000; j++ {
		var v int
		if err := br.QueryRow().Scan(&v); err != nil || v != j {
			return fmt.Errorf("batch: %d %w", v, err)
		}
	}
	if err := br.Close(); err != nil {
		return err
	}
	// Notifications. A context ends the wait for one, and the connection can still be used.
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	if _, err := c.Exec(ctx, "listen ch"); err != nil {
		return err
	}
	short, stop = context.WithTimeout(ctx, 50*time.Millisecond)
	_, err = c.Conn().WaitForNotification(short)
	stop()
	if err == nil || c.Conn().IsClosed() {
		return fmt.Errorf("wait: %v, closed %v", err, c.Conn().IsClosed())
	}
	if _, err := p.Exec(ctx, "notify ch, 'x'"); err != nil {
		return err
	}
	note, err := c.Conn().WaitForNotification(ctx)
	if err != nil || note.Payload != "x" {
		return fmt.Errorf("notify: %v", err)
	}
	return nil
}

// pgx gives the same results as over package net, with and without TLS: a COPY of 100,000 rows, a
// pool, a query that a context cancels, pipelines and notifications.
func TestPostgreSQL(t *testing.T) {
	url = serve(t)
	for _, mode := range []string{"disable", "require"} {
		t.Run(mode, func(t *testing.T) {
			kit.Same(t, func(n kit.Net) error { return run(n, mode) })
		})
	}
}
