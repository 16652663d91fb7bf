package sim_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// A line of the trace shows a call's arguments in parentheses, and the call's result after an
// equals sign.
func TestLinesShowArgumentsAndResultsApart(t *testing.T) {
	w := sim.New(1, sim.Options{Trace: -1})
	defer w.Close()
	h := w.Host("10.0.0.1")
	must := func(e kernel.Errno, want kernel.Errno) {
		t.Helper()
		if e != want {
			t.Errorf("got %v, want %v", e, want)
		}
	}
	p, err := h.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	l, e := h.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
	must(e, 0)
	must(h.Bind(l, kernel.Inet(addr("10.0.0.1:80"))), 0)
	must(h.Listen(l, 9), 0)
	h.LocalAddr(l)
	_, e = h.PeerAddr(l)
	must(e, kernel.ENOTCONN)
	must(h.SetOpt(l, kernel.SOL_SOCKET, kernel.SO_REUSEADDR, 1), 0)
	h.GetOpt(l, kernel.SOL_SOCKET, kernel.SO_ERROR)
	u, e := h.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	must(e, 0)
	must(h.Connect(u, kernel.Inet(addr("10.0.0.2:53"))), 0)
	h.PeerAddr(u)
	must(h.Shutdown(u, kernel.SHUT_WR), 0)
	must(h.Shutdown(l, 7), kernel.EINVAL)
	err = errors.Join(p.Add(u, 1, poller.In), p.Mod(u, 1, poller.In|poller.Out|poller.Edge), p.Del(u))
	h.Ready(u)
	h.Lookup(context.Background(), "ip4", "db")
	must(h.Unlink("/run/x"), kernel.ENOENT)
	d := h.Disk()
	f, err2 := d.OpenFile("log", os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	f.Write([]byte(strings.Repeat("x", 200)))
	f.Write([]byte(strings.Repeat("y", 201)))
	err = errors.Join(f.Truncate(3), f.Sync(), f.Close(), d.SyncDir("."), d.Rename("log", "old"))
	if _, e := d.Open("gone"); err != nil || !errors.Is(e, fs.ErrNotExist) {
		t.Fatal(err, e)
	}
	var b bytes.Buffer
	w.WriteTrace(&b)
	for _, want := range []string{"epoll_create() = 1000", "socket(SOCK_STREAM) = 1001", "bind(1001, 10.0.0.1:80) = 0", "listen(1001, 9) = 0",
		"getsockname(1001) = 10.0.0.1:80", "getpeername(1001) ENOTCONN", "setsockopt(1001, SO_REUSEADDR, 1) = 0", "getsockopt(1001, SO_ERROR) = 0",
		"socket(SOCK_DGRAM) = 1002", "connect(1002, 10.0.0.2:53) = 0", "getpeername(1002) = 10.0.0.2:53", "shutdown(1002, SHUT_WR) = 0",
		"shutdown(1001, 7) EINVAL", "epoll_add(1002, in) = 0", "epoll_mod(1002, in+out+edge) = 0", "epoll_del(1002) = 0", "poll(1002) = ",
		`lookup("db") = 0`, `unlink("/run/x") ENOENT`, `open("log", O_RDWR|O_CREAT|O_APPEND) = 1003`, "ftruncate(1003, 3) = 0",
		"fsync(1003) = 0", `fsync(".") = 0`, `rename("log", "old") = 0`, `open("gone") ENOENT`,
		`pwrite(1003) = 200 "` + strings.Repeat("x", 200) + `"`, `pwrite(1003) = 201 "` + strings.Repeat("y", 72) + `"…`} {
		if !strings.Contains(b.String(), " 10.0.0.1 "+want) {
			t.Errorf("nothing has %q", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}
