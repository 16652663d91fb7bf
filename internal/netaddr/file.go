package netaddr

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

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
// because only then can it ask the kernel whether another process has the socket.
func (f File) CloseSocket(k kernel.Kernel, fd int) (closed, removed kernel.Errno) {
	if f.shared {
		closed = k.Close(fd)
		return closed, f.Remove(k)
	}
	removed = f.Remove(k)
	return k.Close(fd), removed
}

// Remove removes the file. It leaves the file if another file is at the path, or if f is shared and
// a process has the socket.
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

// While a process starts a child, the child has a copy of each descriptor until its exec closes the
// copies. Such a child must not count as an owner. So inUse looks several times before it reports
// that a process has the socket.
const (
	looks     = 4
	lookAgain = time.Millisecond // the time between two looks; an exec usually takes less
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

// connects reports whether a process has the socket now. It connects a datagram socket to the path.
// If no process has the socket at the path, the kernel returns ECONNREFUSED. If a process has that
// socket, the kernel returns EPROTOTYPE, because the socket is no datagram socket. The process does
// not notice. After any other error the socket counts as in use.
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
