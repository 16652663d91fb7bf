package reactor

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	children["inherits"] = inherits
	children["inherits nothing"] = func() {
		in, err := Inherit()
		require(in == nil && err != nil, "Inherit: %v, %v", in, err)
		fmt.Print(err)
	}
}

// pass starts a child, to which it passes the descriptors as systemd does. It returns the child's
// output.
func pass(t *testing.T, name, env string, fds ...int) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", env+` exec "$0" -test.run=^$`, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+name, fmt.Sprint("LISTEN_FDS=", len(fds)))
	for _, fd := range fds {
		d, err := unix.Dup(fd) // the os.File closes its descriptor
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(d), "passed")
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return string(out)
}

// wildcards returns a listener on the wildcard address of each family, both at the same port.
func wildcards(t *testing.T) (v4, v6, port int) {
	t.Helper()
	for range 100 {
		v4, v6 = socketAt(t, &unix.SockaddrInet4{}), 0
		a, err := unix.Getsockname(v4)
		if err != nil {
			t.Fatal(err)
		}
		port = a.(*unix.SockaddrInet4).Port
		if v6 = socketAt(t, &unix.SockaddrInet6{Port: port}); v6 >= 0 {
			return v4, v6, port
		}
	}
	t.Fatal("no port is free in both families")
	return 0, 0, 0
}

func socketAt(t *testing.T, a unix.Sockaddr) int {
	t.Helper()
	family := unix.AF_INET
	if _, ok := a.(*unix.SockaddrInet6); ok {
		family = unix.AF_INET6
	}
	// Blocking, like the sockets of systemd.
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			t.Fatal(err)
		}
	}
	if unix.Bind(fd, a) != nil {
		return -1
	}
	if err := unix.Listen(fd, 10); err != nil {
		t.Fatal(err)
	}
	return fd
}

// A process is passed a pipe, a connection, listeners of both families at one port, and a listener
// at another port. Their names are arbitrary. Listen uses the two at its port, and serves both
// families. Unused returns the others, and their flags are unchanged, because other processes share
// them.
func TestInheritTakesWhatItUses(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range append(pipe[:], pair[:]...) {
		defer unix.Close(fd)
	}
	v4, v6, port := wildcards(t)
	other := socketAt(t, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	env := fmt.Sprintf(`TEST_PORT=%d LISTEN_PID=$$ LISTEN_FDNAMES='a pipe:ureactor-file:ureactor-file::'`, port)
	out := pass(t, "inherits", env, pipe[1], v4, v6, pair[0], other)
	if want := `served tcp4 tcp6; unused ["a pipe" "" ""]; Ready 0`; out != want {
		t.Errorf("the child says %q, want %q", out, want)
	}
	for _, fd := range []int{pipe[1], pair[0], other} {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("descriptor %d has flags %#x (%v), for everybody who shares it", fd, flags, err)
		}
	}
}

func inherits() {
	in, err := Inherit()
	require(err == nil, "Inherit: %v", err)
	r, err := New()
	require(err == nil, "%v", err)
	port := os.Getenv("TEST_PORT")
	l, err := r.Listen("tcp", ":"+port, acceptEcho, WithInherited(in))
	require(err == nil, "%v", err)
	names := []string{}
	for _, f := range in.Unused() {
		names = append(names, f.Name())
		require(f.Close() == nil, "close")
	}
	n, err := in.Ready()
	require(err == nil, "Ready: %v", err)
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	fmt.Print("served")
	for network, host := range map[string]string{"tcp4": "127.0.0.1", "tcp6": "::1"} {
		c, err := net.Dial(network, net.JoinHostPort(host, port))
		require(err == nil, "%v", err)
		_, err = c.Write([]byte("x"))
		require(err == nil, "%v", err)
		_, err = c.Read(make([]byte, 1))
		require(err == nil, "%v", err)
		c.Close()
	}
	fmt.Printf(" tcp4 tcp6; unused %q; Ready %d", names, n)
	require(r.Post(func() { l.Close() }) == nil, "Post")
	require(r.Shutdown(context.Background()) == nil, "Shutdown")
	require(<-done == nil, "Run")
}

// LISTEN_FDS names a descriptor that is no listening socket, and LISTEN_PID is not set. The
// variable is probably stale, so Inherit returns an error and does not change the descriptor.
func TestInheritDoesNotBelieveAnything(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	out := pass(t, "inherits nothing", "", pipe[1])
	if !strings.Contains(out, "LISTEN_FDS=1 without LISTEN_PID") {
		t.Errorf("the child says %q", out)
	}
	if flags, err := unix.FcntlInt(uintptr(pipe[1]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the pipe has flags %#x (%v)", flags, err)
	}
}
