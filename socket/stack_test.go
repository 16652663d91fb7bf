//go:build unix

package socket_test

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// 500 tasks sleep in RecvInto, and then 500 in Data on accepted sockets that have echoed a message.
// Each is below two small frames of user code. Each needs only the 2 KiB of stack with which a
// coroutine begins (Go 1.26; 4 KiB with 1.27). A few words more in any frame of the calls could
// double that. The test runs in a process of its own, because the runtime begins with larger stacks
// if earlier goroutines needed more.
func TestIdleTaskStack(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's frames are larger")
	}
	const child = "UREACTOR_TEST_STACK"
	if os.Getenv(child) == "" {
		if !longtest.Default(t, "starts a process") {
			return
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestIdleTaskStack$", "-test.count=1")
		cmd.Env = append(os.Environ(), child+"=1", "GODEBUG=adaptivestackstart=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	const tasks = 500
	var sockets [tasks]*socket.Socket
	inTask(t, func(l *lab) {
		for i := range sockets {
			sockets[i] = l.udp()
		}
		buf := make([]byte, 1)
		l.stackOf("RecvInto", sockets[:], func(s *socket.Socket) { shallow(s, buf) }, func() {})
		server, at := l.listener(tasks), [tasks]*socket.Socket{}
		for i := range sockets {
			at[i] = l.tcp()
			l.must(at[i].Connect(l.addr(server)))
			s, _, err := server.Accept()
			l.must(err)
			sockets[i] = l.own(s)
		}
		l.stackOf("Data", sockets[:], echoData, func() {
			for _, s := range at {
				_, err := s.Write([]byte("x"))
				l.must(err)
				_, err = s.Recv(1)
				l.must(err)
			}
		})
	})
}

// stackOf starts a task for each socket, calls act when all of them sleep, and checks the size of
// their stacks when all sleep again.
func (l *lab) stackOf(what string, sockets []*socket.Socket, f func(*socket.Socket), act func()) {
	var before, after runtime.MemStats
	debug.FreeOSMemory() // until a collection, free stacks count as in use
	runtime.ReadMemStats(&before)
	for _, s := range sockets {
		l.task.Go(func(*reactor.Task) { f(s) })
	}
	for range 2 {
		for _, s := range sockets {
			l.asleep(s)
		}
		act()
		act = func() {}
	}
	debug.FreeOSMemory()
	runtime.ReadMemStats(&after)
	most := 3 << 10
	if !strings.HasPrefix(runtime.Version(), "go1.26") {
		most = 5 << 10 // with Go 1.27 the frames are a little too large for 2 KiB
	}
	if each := (int(after.StackInuse) - int(before.StackInuse)) / len(sockets); each > most {
		l.t.Errorf("%s: %d bytes of stack each, must be %d at most", what, each, most)
	}
}

//go:noinline
func echoData(s *socket.Socket) {
	for {
		p, err := s.Data()
		if err != nil {
			return
		}
		if _, err := s.SendAll(p); err != nil {
			return
		}
	}
}

//go:noinline
func shallow(s *socket.Socket, buf []byte) {
	for {
		n, err := s.RecvInto(buf)
		if err != nil {
			return
		}
		if _, err := s.SendAll(buf[:n]); err != nil {
			return
		}
	}
}
