package netconn_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// A copy between two Conns continues after an urgent byte. At an urgent byte splice returns 0
// although the input has not ended, and no Event reports the bytes that follow.
func TestSpliceGetsPastAnUrgentByte(t *testing.T) {
	from, client := connected(t)
	to, backend := connected(t)
	go func() {
		defer to.Close()
		io.Copy(to, from)
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
	client.Close()
	if n, err := backend.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
