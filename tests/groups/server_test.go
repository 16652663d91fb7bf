//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package groups

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

const (
	envAddrs = "RESTART_TEST_ADDRS" // the addresses at which the server listens
	envLoops = "RESTART_TEST_LOOPS" // the number of its loops
	grace    = 10 * time.Second     // in which connections may end by themselves before the drain
)

// children has functions for processes that a test has started. If the environment has the
// variable, the process calls the function with its value.
var children = map[string]func(string) error{
	envAddrs: func(addrs string) error { return server(strings.Split(addrs, ",")) },
}

func TestMain(m *testing.M) {
	for name, child := range children {
		if value := os.Getenv(name); value != "" {
			if err := child(value); err != nil {
				fmt.Println("failed:", err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// answered is the number of bytes that the process has received and sent back. It does not include
// input that a drain discards.
var answered atomic.Int64

type echo struct{}

func (echo) Data(c *reactor.Conn, p []byte) {
	if c.Send(p) == nil {
		answered.Add(int64(len(p)))
	}
}

func (echo) Closed(*reactor.Conn, error)                      {}
func (e echo) accept(*reactor.Conn) reactor.Handler           { return e }
func (echo) packet(*reactor.PacketConn) reactor.PacketHandler { return packetEcho{} }

type packetEcho struct{}

func (packetEcho) Packet(c *reactor.PacketConn, p []byte, from reactor.Addr) { _ = c.SendTo(p, from) }
func (packetEcho) Closed(*reactor.PacketConn, error)                         {}

// server is the process of an echo server. SIGHUP replaces it by a similar process with another
// number of loops. SIGTERM drains it. When it serves, it prints its process number. At the end it
// prints how many bytes it has sent back.
func server(addrs []string) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	in, err := reactor.Inherit()
	if err != nil {
		return err
	}
	loops, _ := strconv.Atoi(os.Getenv(envLoops))
	g, err := reactor.NewGroup(loops)
	if err != nil {
		return err
	}
	cert, err := selfsigned.New()
	if err != nil {
		return err
	}
	var listeners []*reactor.GroupListener
	var at []string
	for _, a := range addrs {
		network, addr, _ := strings.Cut(a, "://")
		var l *reactor.GroupListener
		switch network {
		case "udp", "unixgram":
			l, err = g.ListenPacket(network, addr, echo{}.packet, reactor.WithInherited(in))
		case "tls":
			l, err = g.Listen("tcp", addr, echo{}.accept, reactor.WithInherited(in), netconn.WithHandshakeTimeout(&tls.Config{Certificates: []tls.Certificate{cert}}, time.Hour))
		default:
			l, err = g.Listen(network, addr, echo{}.accept, reactor.WithInherited(in))
		}
		if err != nil {
			return err
		}
		listeners = append(listeners, l)
		at = append(at, network+"://"+l.Addr().String())
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(context.Background()) }()
	if n, err := in.Ready(); err != nil || n > 0 {
		return fmt.Errorf("ready: %d sockets unused, %v", n, err)
	}
	fmt.Println("serving", os.Getpid(), strings.Join(at, ","))
	if <-signals == syscall.SIGHUP {
		if err := replace(g, listeners, at, loops%3+1); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), longtest.Guard)
	defer cancel()
	err = g.Shutdown(ctx)
	if e := <-ran; err == nil {
		err = e
	}
	fmt.Println("answered", answered.Load(), err)
	return err
}

// replace starts another process that takes over the sockets. It then waits for the ends of the
// connections.
func replace(g *reactor.Group, listeners []*reactor.GroupListener, at []string, loops int) error {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), envAddrs+"="+strings.Join(at, ","), envLoops+"="+strconv.Itoa(loops))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	ctx, cancel := context.WithTimeout(context.Background(), longtest.Guard)
	defer cancel()
	if err := g.Restart(ctx, cmd); err != nil {
		return err
	}
	for _, l := range listeners {
		_ = l.Close()
	}
	for until := time.Now().Add(grace); g.Stats().Conns > 0 && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// A fleet is a first process and all processes that have replaced one another since, with the lines
// that they have printed.
type fleet struct {
	t     *testing.T
	first *exec.Cmd

	mu       sync.Mutex // guards the printed lines:
	serving  []string   // process number and addresses
	answered []string   // number of bytes and error
	other    []string
	closed   chan struct{} // closed when all have ended
}

// start runs a server and waits until it serves.
func start(t *testing.T, cmd *exec.Cmd, loops int, addrs ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, first: cmd, closed: make(chan struct{})}
	cmd.Env = append(cmd.Environ(), envAddrs+"="+strings.Join(addrs, ","), envLoops+"="+strconv.Itoa(loops))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w // a file, because later processes inherit it and print there too
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go f.listen(r)
	t.Cleanup(func() {
		f.signal(syscall.SIGKILL)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-f.closed
	})
	f.wait("it serves", func() bool { return len(f.serving) == 1 })
	return f
}

func (f *fleet) listen(r *os.File) {
	defer close(f.closed)
	defer r.Close()
	text, rest := make([]byte, 64<<10), ""
	for {
		n, err := r.Read(text)
		rest += string(text[:n])
		for {
			line, more, found := strings.Cut(rest, "\n")
			if !found {
				break
			}
			rest = more
			f.mu.Lock()
			if what, found := strings.CutPrefix(line, "serving "); found {
				f.serving = append(f.serving, what)
			} else if what, found := strings.CutPrefix(line, "answered "); found {
				f.answered = append(f.answered, what)
			} else {
				f.other = append(f.other, line)
			}
			f.mu.Unlock()
		}
		if err == io.EOF {
			return
		}
	}
}

// wait waits until ok returns true. ok may use the printed lines.
func (f *fleet) wait(what string, ok func() bool) {
	f.t.Helper()
	for until := time.Now().Add(longtest.Guard); ; time.Sleep(2 * time.Millisecond) {
		f.mu.Lock()
		done, said := ok(), f.other
		f.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(until) || len(said) > 0 {
			f.t.Fatalf("not yet: %s; it said %q", what, said)
		}
	}
}

// newest returns the process number and the addresses of the newest process.
func (f *fleet) newest() (pid int, at []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, addrs, _ := strings.Cut(f.serving[len(f.serving)-1], " ")
	pid, _ = strconv.Atoi(id)
	return pid, strings.Split(addrs, ",")
}

func (f *fleet) signal(s syscall.Signal) {
	f.mu.Lock()
	none := len(f.serving) == 0 || len(f.serving) == len(f.answered)
	f.mu.Unlock()
	if none {
		return
	}
	pid, _ := f.newest()
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Signal(s)
	}
}

// total returns how many bytes the ended processes have sent back. All of these processes must have
// ended without an error.
func (f *fleet) total() (sum int64) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.answered {
		var n int64
		var err string
		if _, e := fmt.Sscan(r, &n, &err); e != nil || err != "<nil>" {
			f.t.Errorf("a server said %q at its end", r)
		}
		sum += n
	}
	return sum
}

func self(args ...string) *exec.Cmd {
	return exec.Command(os.Args[0], append([]string{"-test.run=^$"}, args...)...)
}

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}
