package mux

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/yamux"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

type session interface {
	open() (net.Conn, error)
	accept() (net.Conn, error)
	Close() error
}
type ya struct{ *yamux.Session }

func (s ya) open() (net.Conn, error)   { return s.Open() }
func (s ya) accept() (net.Conn, error) { return s.Accept() }

func run(n kit.Net, mk func(c net.Conn, server bool) (session, error)) error {
	l, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	got := make(chan net.Conn, 1)
	go func() { c, _ := l.Accept(); got <- c }()
	cc, err := n.Dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	ss, err := mk(<-got, true)
	if err != nil {
		return err
	}
	cs, err := mk(cc, false)
	if err != nil {
		return err
	}
	go func() {
		for {
			s, err := ss.accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 32<<10)
				for {
					k, err := s.Read(b)
					if k > 0 {
						if _, err := s.Write(b[:k]); err != nil {
							return
						}
					}
					if err != nil {
						s.Close()
						return
					}
				}
			}()
		}
	}()
	data := make([]byte, 256<<10)
	rand.Read(data)
	var wg sync.WaitGroup
	errs := make(chan error, 200)
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s, err := cs.open()
			if err != nil {
				errs <- err
				return
			}
			go s.Write(data)
			b := make([]byte, len(data))
			s.SetReadDeadline(time.Now().Add(2 * time.Minute))
			if _, err := io.ReadFull(s, b); err != nil || !bytes.Equal(b, data) {
				errs <- fmt.Errorf("stream: %v", err)
			}
			s.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			if _, err := s.Read(b); err == nil || !errors.Is(err, os.ErrDeadlineExceeded) && !timeout(err) {
				errs <- fmt.Errorf("deadline: %v", err)
			}
			s.Close()
		}()
	}
	wg.Wait()
	cs.Close()
	ss.Close()
	close(errs)
	return <-errs
}

func timeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// yamux gives the same results as over package net: 100 streams of 256 KiB in each direction,
// keep-alive, deadlines.
func TestYamux(t *testing.T) {
	kit.Same(t, func(n kit.Net) error {
		return run(n, func(c net.Conn, server bool) (session, error) {
			cfg := yamux.DefaultConfig()
			cfg.LogOutput = io.Discard
			cfg.KeepAliveInterval = 50 * time.Millisecond
			if server {
				s, err := yamux.Server(c, cfg)
				return ya{s}, err
			}
			s, err := yamux.Client(c, cfg)
			return ya{s}, err
		})
	})
}
