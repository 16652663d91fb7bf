package netconn_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A copy between two Conns continues after an urgent byte. At an urgent byte splice returns 0
// although the input has not ended, and no Event reports the bytes that follow.
func TestSpliceGetsPastAnUrgentByte(t *testing.T) {
	from, client := connected(t)
	to, backend := connected(t)
	before, copied := openPipes(t), make(chan int64, 1)
	go func() {
		defer to.Close()
		n, _ := io.Copy(to, from)
		copied <- n
	}()
	backend.SetReadDeadline(time.Now().Add(3 * long))
	expect := func(want string) {
		t.Helper()
		p := make([]byte, len(want))
		if n, err := io.ReadFull(backend, p); string(p) != want {
			t.Fatalf("%q, %v, want %q", p[:n], err, want)
		}
	}
	client.Write([]byte("abc"))
	expect("abc")
	for range 3 {
		rc, err := client.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		rc.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte("X"), syscall.MSG_OOB, nil) })
		if err != nil {
			t.Fatal(err)
		}
		client.Write([]byte("def"))
		expect("def")
	}
	must(t, client.(*net.TCPConn).CloseWrite())
	if n := <-copied; n != 3+3*3 {
		t.Errorf("%d bytes were copied", n)
	}
	if n, err := backend.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	client.Close()
	if n := openPipes(t) - before; n != 0 {
		t.Errorf("%d ends of pipes stay open", n)
	}
}

func openPipes(t *testing.T) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, link := range links {
		if to, _ := os.Readlink(link); strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}
