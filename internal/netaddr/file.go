package netaddr

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A File is the file that a Unix socket has made at its path. The owner of the socket removes it
// when the socket is closed. By then, another program may have put another file at the path. So a
// File has an identity too. The zero File means that there is no file.
type File struct {
	path   string // absolute, because the program may change its working directory
	id     kernel.FileID
	shared bool // other processes may have the socket: the last of them removes the file
}

// FileOf returns the file that the bind to this address has just made. It returns the zero File if
// the bind has made none.
func FileOf(k kernel.Kernel, a kernel.Addr) File {
	path := a.Path
	if a.Family != kernel.AF_UNIX || path == "" || path[0] == '@' || path[0] == 0 {
		return File{}
	}
	id, e := k.FileID(path)
	if e != 0 || !id.Socket {
		return File{}
	}
	if k == kernel.Host {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
	}
	return File{path: path, id: id}
}

// Share makes f a file that is removed only when no process has the socket any more.
func (f *File) Share() { f.shared = f.path != "" }

// Path returns the path of the file, or "" if there is no file.
func (f File) Path() string { return f.path }

// CloseSocket closes the socket and removes its file. It removes the file first: while the socket
// is open, no other file can get the same identity. If f is shared, it closes the socket first,
// because only then can it ask the kernel whether another process has the socket. If `used` is
// true, call RemoveUnused on another goroutine.
func (f File) CloseSocket(k kernel.Kernel, fd int) (closed, removed kernel.Errno, used bool) {
	if f.shared {
		closed = k.Close(fd)
		used, removed = f.Remove(k)
		return closed, removed, used
	}
	_, removed = f.Remove(k)
	return k.Close(fd), removed, false
}

// Remove removes the file. It leaves the file if another file is at the path. It also leaves the
// file if f is shared and a process has the socket: then `used` is true. The process may be a child
// that is being started: see RemoveUnused.
func (f File) Remove(k kernel.Kernel) (used bool, e kernel.Errno) {
	if f.path == "" {
		return false, 0
	}
	id, e := k.FileID(f.path)
	switch {
	case e == kernel.ENOENT || e == 0 && id != f.id:
		return false, 0
	case e != 0:
		return false, e
	}
	if f.shared {
		if used, e := kernel.SocketUsed(k, f.path); used {
			return true, e
		}
	}
	if e := k.Unlink(f.path); e != kernel.ENOENT {
		return false, e
	}
	return false, 0
}

// startTries is how often RemoveUnused waits for children that are being started.
const startTries = 3

// RemoveUnused is like Remove, but a child that is being started does not count as a process that
// has the socket. So RemoveUnused may wait a few milliseconds. Do not call it on a loop.
func (f File) RemoveUnused(k kernel.Kernel) kernel.Errno {
	used, e := f.Remove(k)
	for range startTries {
		if !used {
			break
		}
		kernel.AwaitExec(k)
		used, e = f.Remove(k)
	}
	return e
}

// Text encodes f for the process to which Restart passes the socket.
func (f File) Text() string { return fmt.Sprintf("%x.%x.%x", f.id.Dev, f.id.Ino, f.path) }

// ParseFile decodes the result of Text. The returned File is shared.
func ParseFile(text string) (File, bool) {
	f := File{id: kernel.FileID{Socket: true}, shared: true}
	var path []byte
	n, err := fmt.Sscanf(strings.ReplaceAll(text, ".", " "), "%x %x %x", &f.id.Dev, &f.id.Ino, &path)
	if err != nil || n != 3 || len(path) == 0 {
		return File{}, false
	}
	f.path = string(path)
	return f, true
}
