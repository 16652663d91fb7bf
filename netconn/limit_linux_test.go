package netconn_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// At the limit of descriptors, Accept returns an error that net/http regards as temporary. So Serve
// continues, and serves the waiting clients as soon as descriptors are free. The test runs in
// another process, which has a low limit.
func TestServeSurvivesDescriptorExhaustion(t *testing.T) {
	const child = "UREACTOR_TEST_LIMIT"
	for _, secure := range []string{"plain", "TLS"} {
		if os.Getenv(child) == secure {
			runOutOfDescriptors(t, secure == "TLS")
			return
		}
	}
	if os.Getenv(child) != "" {
		t.Fatal(os.Getenv(child))
	}
	for _, secure := range []string{"plain", "TLS"} {
		t.Run(secure, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestServeSurvivesDescriptorExhaustion$", "-test.count=1", "-test.v")
			cmd.Env = append(os.Environ(), child+"="+secure)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "it has run out") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// lines is a writer that sends each line of a log to a channel.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

func runOutOfDescriptors(t *testing.T, secure bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 64
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	l, err := netconn.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	if secure {
		l = netconn.NewTLSListener(l, serverConfig())
	}
	told := make(lines, 100)
	s := &http.Server{ErrorLog: log.New(told, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "served") })}
	closed := make(chan struct{}, 100)
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(long))
		if secure {
			c = tls.Client(c, clientConfig())
		}
		return c
	}
	ask := func(c net.Conn) {
		t.Helper()
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		a, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(a.Body); string(body) != "served" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
	}
	ask(dial()) // after this, the process has opened everything that it opens only once
	<-closed    // the descriptor of that connection is free again
	var taken []int
	for {
		fd, err := syscall.Dup(2)
		if err == syscall.EMFILE {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, fd)
	}
	syscall.Close(taken[0]) // free one descriptor for the client
	c := dial()
	for range 2 { // the server reports the error repeatedly
		select {
		case line := <-told:
			if !strings.Contains(line, "too many open files") || !strings.Contains(line, "retrying") {
				t.Errorf("the server says %q", line)
			}
		case err := <-served:
			t.Fatalf("Serve has ended: %v", err)
		case <-time.After(long):
			t.Fatal("the server has not run out of descriptors")
		}
	}
	t.Log("it has run out")
	for _, fd := range taken[1:] {
		syscall.Close(fd)
	}
	ask(c)
	ask(dial())
	s.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
