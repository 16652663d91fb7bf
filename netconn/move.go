package netconn

import (
	"io/fs"
	"runtime"
	"syscall"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// file is an *os.File as far as it is needed here.
type file interface {
	Stat() (fs.FileInfo, error)
	SyscallConn() (syscall.RawConn, error)
}

// fileMax is the most that one call sends of a file, for which everything else on the loop waits: a
// task's share of that. moveMax is as much for splice, which waits for no disk.
const (
	maxSendFile = 256 << 10
	maxSplice   = 1 << 20
)

// sendFile sends from where the file stands.
func (c *Conn) sendFile(f file, limit int64) (n int64, err error, done bool) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, nil, false
	}
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, nil, false
	}
	d := c.d
	call := forever()
	var e desc.Errno
	err = rc.Control(func(fd uintptr) { // keeps the file open
		_, e = d.Do(desc.Out, &call, func() (int, desc.Errno) {
			k, e := kernel.SendFile(d.Kernel, d.FD, int(fd), int(min(limit-n, maxSendFile)))
			n += int64(k)
			call.Again = e == 0 && k > 0 && n < limit
			return k, e
		})
	})
	runtime.KeepAlive(c.s)
	switch {
	case err != nil:
		return n, err, true
	case e == 0:
		return n, nil, true
	case kernel.Refusal(e): // not for these descriptors, not now, or not in this sandbox
		return n, nil, false
	}
	return n, c.fail("sendfile", e), true
}

// splice sends what another connection receives, through a pipe.
func (c *Conn) splice(from *Conn, limit int64) (n int64, err error, done bool) {
	d, src := c.d, from.d
	if !sameWaiter(d, src) {
		return 0, nil, false
	}
	r, w, e := kernel.Pipe(d.Kernel)
	if e != 0 {
		return 0, nil, false
	}
	defer func() { // deferred: a wait may unwind its task
		d.Kernel.Close(r)
		d.Kernel.Close(w)
		runtime.KeepAlive(c.s)
		runtime.KeepAlive(from.s)
	}()
	for n < limit {
		if d.Use(nonblocking) != 0 {
			return n, nil, false
		}
		in := forever()
		var behind []byte // an urgent byte
		got, e := src.Do(desc.In, &in, func() (int, desc.Errno) {
			got, e := kernel.Splice(src.Kernel, src.FD, w, int(min(limit-n, maxSplice)))
			if got == 0 && (e == 0 || e == kernel.EAGAIN && src.EndSeen()) {
				behind, e = recvUrgent(src)
			}
			return got, e
		})
		if kernel.Refusal(e) {
			return n, nil, false
		}
		if e != 0 {
			return n, from.fail("read", e), true
		}
		if got == 0 && len(behind) == 0 {
			return n, nil, true
		}
		out := forever()
		if len(behind) > 0 {
			got, e = d.Pour(&out, behind, func(p []byte) (int, desc.Errno) { return d.Kernel.Send(d.FD, p, 0) })
			n += int64(got)
		} else {
			var sent int
			sent, e = drain(d, &out, r, got)
			n += int64(sent)
		}
		if e != 0 {
			return n, c.fail("write", e), true
		}
	}
	return n, nil, true
}

// nonblocking is ENOSYS for a socket that a splice would wait for.
func nonblocking(fd int) desc.Errno {
	if !kernel.Nonblocking(fd) {
		return kernel.ENOSYS
	}
	return 0
}

// notTheEnd receives what stops a splice: the byte behind TCP's urgent mark, which only recv gets
// past. None is the end.
func recvUrgent(src *desc.Desc) ([]byte, desc.Errno) {
	p := make([]byte, 1)
	n, e := src.Kernel.Recv(src.FD, p, 0)
	return p[:n], e
}

// drain sends got bytes of the pipe.
func drain(d *desc.Desc, c *desc.Call, pipe, got int) (sent int, e desc.Errno) {
	_, e = d.Do(desc.Out, c, func() (int, desc.Errno) {
		for sent < got {
			k, e := kernel.Splice(d.Kernel, pipe, d.FD, got-sent)
			sent += k
			if e != 0 || k == 0 {
				return 0, e
			}
		}
		return 0, 0
	})
	return sent, e
}

// sameKind tells whether one caller can wait for both.
func sameWaiter(a, b *desc.Desc) bool { return a.Waiter == b.Waiter && a.Kernel == b.Kernel }
