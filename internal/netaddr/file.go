package netaddr

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A File is the file of a Unix socket, which its owner removes in the end. Another program may have
// put another file at the path meanwhile, so it is known by its identity too. The zero File is
// none.
type File struct {
	path string // absolute, for the program may change its directory
	id   kernel.FileID
}

// FileOf is the file that binding to the address has just made, if it has made one.
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
	return File{path, id}
}

// Path is where the file is, "" for none.
func (f File) Path() string { return f.path }

// Remove removes the file, unless another one is at its path. The socket must still be open: until
// it is closed no other file gets the identity of its own.
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
	if e := k.Unlink(f.path); e != kernel.ENOENT {
		return e
	}
	return 0
}

// Text is the file for another process, which Restart passes its socket.
func (f File) Text() string { return fmt.Sprintf("%x.%x.%x", f.id.Dev, f.id.Ino, f.path) }

// ParseFile is the reverse of Text.
func ParseFile(text string) (File, bool) {
	f := File{id: kernel.FileID{Socket: true}}
	var path []byte
	n, err := fmt.Sscanf(strings.ReplaceAll(text, ".", " "), "%x %x %x", &f.id.Dev, &f.id.Ino, &path)
	if err != nil || n != 3 || len(path) == 0 {
		return File{}, false
	}
	f.path = string(path)
	return f, true
}
