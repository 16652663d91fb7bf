package netconn_test

import (
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/socket"
)

// ReadMsgUnix and WriteMsgUnix pass descriptors as in package net, and return the same errors.
func TestMessagesOfUnixSocketsAsNet(t *testing.T) {
	asNet(t, func(t *testing.T, p msgPackage, say func(string, ...any)) {
		dir := t.TempDir()
		l, err := p.listen("unix", dir+"/s")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dialled, err := p.dial("unix", dir+"/s")
		if err != nil {
			t.Fatal(err)
		}
		defer dialled.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		a, b := dialled.(msgUnix), accepted.(msgUnix)
		file, err := os.CreateTemp(dir, "gift")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		io.WriteString(file, "what the file has")
		rights := socket.Rights(int(file.Fd()))
		read := func(c msgUnix, room, oob int) {
			t.Helper()
			control := make([]byte, oob)
			n, k, flags, from, err := c.ReadMsgUnix(make([]byte, room), control)
			say("read %d %d %#x %v %v", n, k, flags, from, err)
			for _, fd := range (&socket.Message{Control: control[:k]}).Rights() {
				p := make([]byte, 4)
				m, err := unix.Pread(fd, p, 0)
				flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
				say("file %q %v, close-on-exec %v", p[:m], err, flags&unix.FD_CLOEXEC != 0)
				unix.Close(fd)
			}
		}
		for i, oob := range [][]byte{nil, rights, []byte("no message"), socket.Rights(1 << 20), make([]byte, 1<<20)} {
			n, k, err := a.WriteMsgUnix([]byte("hello"), oob, nil)
			say("write %d: %d %d %v", i, n, k, err)
		}
		read(b, 5, 100)
		read(b, 5, 100)
		for _, room := range [][2]int{{10, 0}, {10, 8}, {0, 100}, {3, 100}} {
			n, k, err := a.WriteMsgUnix([]byte("hello"), rights, nil)
			say("write %d %d %v", n, k, err)
			read(b, room[0], room[1])
		}
		n, k, err := a.WriteMsgUnix(nil, rights, nil)
		say("nothing but rights %d %d %v", n, k, err)
		a.Close()
		read(b, 20, 100)
		read(b, 20, 100)
		read(b, 20, 100)
		n, k, err = b.WriteMsgUnix([]byte("x"), nil, &net.UnixAddr{Name: "x", Net: "unixgram"})
		say("another network %d %d %v", n, k, err)
		b.Close()
		read(b, 1, 1)
	})
}

// A receive closes the descriptors that its buffer has no room for.
func TestDescriptorsThatNobodyWantsAreClosed(t *testing.T) {
	collectNothing(t)
	dir := t.TempDir()
	in, err := netconn.ListenPacket("unixgram", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := netconn.Dial("unixgram", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := in.(*netconn.UnixConn)
	p := make([]byte, 10)
	for name, read := range map[string]func(){
		"Read":        func() { c.Read(p) },
		"ReadFrom":    func() { c.ReadFrom(p) },
		"ReadMessage": func() { c.ReadMessage(p) },
		"ReadMsgUnix": func() { c.ReadMsgUnix(p, nil) },
		"RecvMsg":     func() { c.Socket().RecvMsg(p, 0, 0) },
	} {
		before := openFiles(t)
		if _, err := out.(*netconn.UnixConn).Socket().SendMsg([]byte("x"), socket.Rights(0, 1, 2), 0, socket.Addr{}); err != nil {
			t.Fatal(err)
		}
		if read(); openFiles(t) != before {
			t.Errorf("%s: %d descriptors, then %d", name, before, openFiles(t))
		}
	}

}

func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}
