package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/tests/programs/opaque"
)

const patience = 3 * time.Second // the server's time limit for slow clients

// bigPath is the path of an answer that is larger than all buffers.
const bigPath = "/big"

// A server is a process that serves with net/http at two addresses.
type server struct {
	http, https string
	cmd         *exec.Cmd
	in          io.WriteCloser
	out         *bufio.Reader
}

// A state is the processor time that the server has used, and the number of its descriptors.
type state struct {
	cpu   time.Duration
	files int
}

func start(ctx context.Context, stack, dir string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, self, "serve", stack, dir)}
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(s.out, &s.http, &s.https); err != nil {
		return nil, fmt.Errorf("the server has not begun: %w", err)
	}
	return s, nil
}

func (s *server) url(scheme string) string {
	if scheme == "https" {
		return "https://" + s.https + "/"
	}
	return "http://" + s.http + "/"
}

// state asks the server for its state.
func (s *server) state() (v state, err error) {
	if _, err = fmt.Fprintln(s.in); err == nil {
		_, err = fmt.Fscanln(s.out, &v.cpu, &v.files)
	}
	return v, err
}

// idle waits until the number of the server's descriptors stays the same for 300 ms.
func (s *server) idle() (v state, err error) {
	last := -1
	for {
		if v, err = s.state(); err != nil || v.files == last {
			return v, err
		}
		last = v.files
		time.Sleep(300 * time.Millisecond)
	}
}

// settled waits until the server has at most this number of descriptors. It gives up when the
// number has not changed for some time.
func (s *server) settled(files int) (v state, err error) {
	last, same := -1, time.Now()
	for {
		if v, err = s.state(); err != nil || v.files <= files || time.Since(same) > 3*patience {
			return v, err
		}
		if v.files != last {
			last, same = v.files, time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *server) stop() error {
	s.in.Close() // this ends the process
	return s.cmd.Wait()
}

// serve is the server's process. It ends when its standard input ends.
func serve(stack, dir string) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	must(err)
	listen := net.Listen
	if stack != "net" {
		listen = netconn.Listen
	}
	open, err := listen("tcp", "127.0.0.1:0")
	must(err)
	closed, err := listen("tcp", "127.0.0.1:0")
	must(err)
	go func() { must(httpServer().Serve(open)) }()
	s := httpServer()
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	go func() {
		if stack != "netconn's TLS" {
			must(s.ServeTLS(closed, "", ""))
		}
		s.Protocols = &http.Protocols{} // see examples/nethttp/tls.go
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetUnencryptedHTTP2(true)
		must(s.Serve(opaque.Listener(netconn.NewTLSListener(closed, s.TLSConfig))))
	}()
	fmt.Println(open.Addr(), closed.Addr())
	for in := bufio.NewReader(os.Stdin); ; {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
		var u syscall.Rusage
		must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		files, err := os.ReadDir("/proc/self/fd")
		must(err)
		fmt.Println(u.Utime.Nano()+u.Stime.Nano(), len(files))
	}
}

func httpServer() *http.Server {
	return &http.Server{ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: 2 * patience,
		IdleTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if _, err := io.Copy(io.Discard, q.Body); err != nil {
				return
			}
			n := 100
			if q.URL.Path == bigPath {
				n = 100_000
			}
			_, _ = io.WriteString(w, strings.Repeat("0123456789", n))
		})}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}
