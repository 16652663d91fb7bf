package netaddr

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A File is the file of a Unix socket, which the socket's owner removes at Close. Another program
// may have put another file at the path by then, so a File also has an identity. The zero File is
// no file.
type File struct {
	path   string // absolute, because the program may change its directory
	id     kernel.FileID
	shared bool // other processes may have the socket; the last one removes the file
}

// FileOf returns the file that a bind to the address has just made, if it has made one.
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

// Share changes f so that the file is removed only when no process has the socket.
func (f *File) Share() { f.shared = f.path != "" }

// Path returns the path of the file, "" for no file.
func (f File) Path() string { return f.path }

// CloseSocket closes the file's socket and removes the file. It removes the file first, because no
// other file can get the same identity while the socket is open. If the socket is shared, it closes
// the socket first, because the kernel then reports whether another process has it.
func (f File) CloseSocket(k kernel.Kernel, fd int) (closed, removed kernel.Errno) {
	if f.shared {
		closed = k.Close(fd)
		return closed, f.Remove(k)
	}
	removed = f.Remove(k)
	return k.Close(fd), removed
}

// Remove removes the file, unless another file is at its path, or the socket is shared and a
// process has it.
func (f File) Remove(k kernel.Kernel) kernel.Errno {
	if f.path == "" {
		return 0
	}
	id, e := k.FileID(f.path)
	switch {
	case e == kernel.ENOENT || e == 0 && id != f.id:
		return 0
	case e != 0:
		return e
	}
	if f.shared {
		if used, e := inUse(k, f.path); used {
			return e
		}
	}
	if e := k.Unlink(f.path); e != kernel.ENOENT {
		return e
	}
	return 0
}

// A child that a process starts has a copy of each descriptor until its exec closes the copies.
// Such a child is no owner. So inUse looks again before it reports that a process has the socket.
const (
	looks     = 4
	lookAgain = time.Millisecond // later; an exec takes less, unless the machine is loaded
)

// inUse reports whether a process has the socket of the file.
func inUse(k kernel.Kernel, path string) (used bool, e kernel.Errno) {
	for look := range looks {
		if used, e = connects(k, path); !used || k != kernel.Host {
			break
		}
		if look < looks-1 {
			time.Sleep(lookAgain)
		}
	}
	return used, e
}

// connects connects a datagram socket to the path. If no process has the socket, the kernel returns
// ECONNREFUSED. A stream socket refuses a datagram socket, so its owner does not notice. After any
// other error the socket counts as in use.
func connects(k kernel.Kernel, path string) (bool, kernel.Errno) {
	// Package syscall holds the lock from a fork until the exec has begun.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, e := k.Socket(kernel.AF_UNIX, kernel.SOCK_DGRAM, 0)
	if e != 0 {
		return true, e
	}
	defer k.Close(fd)
	switch e := k.Connect(fd, kernel.Unix(path)); e {
	case kernel.ECONNREFUSED:
		return false, 0
	case kernel.EPROTOTYPE:
		return true, 0
	default:
		return true, e
	}
}

// Text encodes the file for another process, to which Restart passes the socket.
func (f File) Text() string { return fmt.Sprintf("%x.%x.%x", f.id.Dev, f.id.Ino, f.path) }

// ParseFile is the reverse of Text. The file is shared.
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
