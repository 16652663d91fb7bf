package netconn

import (
	"io/fs"
	"runtime"
	"syscall"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// file is the part of *os.File that sendFile needs.
type file interface {
	Stat() (fs.FileInfo, error)
	SyscallConn() (syscall.RawConn, error)
}

// maxSendFile limits one sendfile call, in bytes, because the call may wait for the disk and then
// blocks the loop. maxSplice limits one splice call, which never waits for a disk.
const (
	maxSendFile = 256 << 10
	maxSplice   = 1 << 20
)

// sendFile sends the file from its current offset.
func (b *base) sendFile(f file, limit int64) (n int64, err error, done bool) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, nil, false
	}
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, nil, false
	}
	d := b.d
	call := forever()
	var result desc.Errno
	err = rc.Control(func(fd uintptr) { // Control keeps the file open
		_, result = d.Do(desc.Out, &call, func() (int, desc.Errno) {
			sent, e := kernel.SendFile(d.Kernel, d.FD, int(fd), nil, int(min(limit-n, maxSendFile)))
			n += int64(sent)
			call.Again = e == 0 && sent > 0 && n < limit
			return sent, e
		})
	})
	runtime.KeepAlive(b.s)
	switch {
	case err != nil:
		return n, err, true
	case result == 0:
		return n, nil, true
	case n == 0 && (d.Closed() || result == kernel.ETIMEDOUT && d.DeadlinePassed()):
		return 0, nil, false // as in package net, the Write of the caller reports the error
	case kernel.Refusal(result): // these descriptors or this sandbox do not permit sendfile
		return n, nil, false
	}
	return n, b.cause("sendfile", result), true
}

// splice sends the data that another connection receives, through a pipe in the kernel.
func (b *base) splice(from *base, limit int64) (n int64, err error, done bool) {
	d, src := b.d, from.d
	if !sameWaiter(d, src) {
		return 0, nil, false
	}
	r, w, e := kernel.Pipe(d.Kernel)
	if e != 0 {
		return 0, nil, false
	}
	defer func() { // deferred, because a wait may unwind its task
		d.Kernel.Close(r)
		d.Kernel.Close(w)
		runtime.KeepAlive(b.s)
		runtime.KeepAlive(from.s)
	}()
	for n < limit {
		if d.Use(nonblocking) != 0 {
			return n, nil, false
		}
		in := forever()
		var urgent []byte // the byte that stopped the splice
		got, e := src.Do(desc.In, &in, func() (int, desc.Errno) {
			got, e := kernel.Splice(src.Kernel, src.FD, w, int(min(limit-n, maxSplice)))
			if got == 0 && (e == 0 || e == kernel.EAGAIN && src.EndSeen()) {
				urgent, e = recvUrgent(src)
			}
			return got, e
		})
		if kernel.Refusal(e) {
			return n, nil, false
		}
		if e != 0 {
			return n, from.cause("splice", e), true
		}
		if got == 0 && len(urgent) == 0 {
			return n, nil, true
		}
		out := forever()
		if len(urgent) > 0 {
			got, e = d.Pour(&out, urgent, func(p []byte) (int, desc.Errno) { return d.Kernel.Send(d.FD, p, 0) })
			n += int64(got)
		} else {
			var sent int
			sent, e = drain(d, &out, r, got)
			n += int64(sent)
		}
		if e != 0 {
			return n, b.cause("splice", e), true
		}
	}
	return n, nil, true
}

// nonblocking returns ENOSYS for a blocking socket, because on such a socket splice itself would
// wait for data or room.
func nonblocking(fd int) desc.Errno {
	if !kernel.Nonblocking(fd) {
		return kernel.ENOSYS
	}
	return 0
}

// recvUrgent receives the byte that stops a splice. This is the byte behind TCP's urgent mark,
// which only recv can pass. At the end of input recvUrgent returns no byte.
func recvUrgent(src *desc.Desc) ([]byte, desc.Errno) {
	p := make([]byte, 1)
	n, e := src.Kernel.Recv(src.FD, p, 0)
	return p[:n], e
}

// drain sends the got bytes in the pipe.
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

// sameWaiter reports whether one caller can wait for both Descs.
func sameWaiter(a, b *desc.Desc) bool { return a.Waiter == b.Waiter && a.Kernel == b.Kernel }
