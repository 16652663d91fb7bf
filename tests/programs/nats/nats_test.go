package nats

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

type dialer struct{ n kit.Net }

func (d dialer) Dial(network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return d.n.Dial(ctx, network, addr)
}

// pings is the interval between pings. With a shorter interval, a connection on a busy machine
// would count as stale.
var pings = 2 * time.Second

func start(port int, dir string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		return nil, err
	}
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return nil, fmt.Errorf("not ready")
	}
	return s, nil
}

func run(n kit.Net) error {
	dir, _ := os.MkdirTemp("", "nats")
	defer os.RemoveAll(dir)
	s, err := start(-1, dir)
	if err != nil {
		return err
	}
	addr := s.Addr().(*net.TCPAddr)
	again := make(chan bool, 10)
	c, err := nats.Connect("nats://"+addr.String(), nats.SetCustomDialer(dialer{n}), nats.ReconnectWait(20*time.Millisecond), nats.MaxReconnects(-1), nats.ReconnectHandler(func(*nats.Conn) { again <- true }), nats.PingInterval(pings))
	if err != nil {
		return err
	}
	defer c.Close()
	var wg sync.WaitGroup
	wg.Add(50000)
	if _, err := c.Subscribe("a", func(*nats.Msg) { wg.Done() }); err != nil {
		return err
	}
	for i := 0; i < 50000; i++ {
		if err := c.Publish("a", make([]byte, 100)); err != nil {
			return err
		}
	}
	all := make(chan bool)
	go func() { wg.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("messages are missing; reconnects: %d, in: %d", c.Stats().Reconnects, c.Stats().InMsgs)
	}
	c.Subscribe("q", func(m *nats.Msg) { m.Respond(m.Data) })
	for i := 0; i < 2000; i++ {
		if _, err := c.Request("q", []byte("x"), time.Minute); err != nil {
			return err
		}
	}
	js, err := c.JetStream()
	if err != nil {
		return err
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		return err
	}
	for i := 0; i < 500; i++ {
		if _, err := js.Publish("s.x", make([]byte, 1000)); err != nil {
			return err
		}
	}
	s.Shutdown()
	s.WaitForShutdown()
	if s, err = start(addr.Port, dir); err != nil { // the same port, immediately
		return fmt.Errorf("restart: %w", err)
	}
	select {
	case <-again:
	case <-time.After(time.Minute):
		return fmt.Errorf("no reconnect")
	}
	i, err := js.StreamInfo("S")
	if err != nil || i.State.Msgs != 500 {
		return fmt.Errorf("stream: %v", err)
	}
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// A NATS client gives the same results as over package net: 50,000 messages, 2,000 requests, a
// stream, and a reconnect after the server has restarted at its port.
func TestNATS(t *testing.T) { kit.Same(t, run) }
