package sim

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A File is an open file of a Disk. It is an fs.File, io.ReaderAt, io.WriterAt, io.Seeker and
// io.ReadWriteCloser.
type File struct {
	node
	in      *inode
	name    string
	at      int64
	writes  bool
	appends bool
	shut    bool
}

// alive returns an error if the file is closed. A crash and Kill also close it.
func (f *File) alive(op string) error {
	if f.shut {
		return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return nil
}

// begin begins a call on the file.
func (f *File) begin(c Call, op string) error {
	if err := f.alive(op); err != nil {
		return err
	}
	v := f.h.gate(c, f.fd)
	if v.e == 0 && v.again {
		v.e = kernel.EIO
	}
	if v.e != 0 {
		return f.end(c, op, 0, v.e)
	}
	return nil
}

func (f *File) end(c Call, op string, n int, e Errno) error {
	f.h.note(c, f.fd, n, e)
	if e != 0 {
		return &fs.PathError{Op: op, Path: f.name, Err: e}
	}
	return nil
}

// Name returns the name with which the file was opened.
func (f *File) Name() string { return f.name }

// Read reads at the current position. ReadAt reads at an offset.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.read(p, f.at)
	f.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.read(p, off) }

func (f *File) read(p []byte, off int64) (n int, err error) {
	if err := f.begin(FileRead, "read"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, f.end(FileRead, "read", 0, kernel.EINVAL)
	}
	if off < int64(len(f.in.data)) {
		n = copy(p, f.in.data[off:])
	}
	f.h.moves(p[:n])
	if f.end(FileRead, "read", n, 0); n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write writes at the current position, or at the end with O_APPEND. WriteAt writes at an offset.
// Until the next Sync, a crash may lose or tear the write.
func (f *File) Write(p []byte) (int, error) {
	if f.appends {
		f.at = int64(len(f.in.data))
	}
	n, err := f.write(p, f.at)
	f.at += int64(n)
	return n, err
}

func (f *File) WriteAt(p []byte, off int64) (int, error) { return f.write(p, off) }

func (f *File) write(p []byte, off int64) (n int, err error) {
	if err := f.begin(FileWrite, "write"); err != nil {
		return 0, err
	}
	d, n := f.in.d, len(p)
	e := Errno(0)
	switch {
	case !f.writes:
		return 0, f.end(FileWrite, "write", 0, kernel.EBADF)
	case off < 0 || off > 1<<40:
		return 0, f.end(FileWrite, "write", 0, kernel.EINVAL)
	}
	if more := off + int64(n) - int64(len(f.in.data)); d.limit > 0 && more > 0 && d.used()+more > d.limit {
		e, n = kernel.ENOSPC, max(0, n-int(min(d.used()+more-d.limit, int64(n))))
	}
	if n > 0 {
		f.in.write(off, p[:n], max(len(f.in.data), int(off)+n))
		f.h.sends(p[:n])
	}
	return n, f.end(FileWrite, "write", n, e)
}

// Truncate changes the size of the file.
func (f *File) Truncate(size int64) error {
	if err := f.begin(FileTruncate, "truncate"); err != nil {
		return err
	}
	switch d := f.in.d; {
	case !f.writes || size < 0 || size > 1<<40:
		return f.end(FileTruncate, "truncate", 0, kernel.EINVAL)
	case d.limit > 0 && d.used()+size-int64(len(f.in.data)) > d.limit:
		return f.end(FileTruncate, "truncate", 0, kernel.ENOSPC)
	}
	f.in.write(0, nil, int(size))
	f.h.args(func() string { return strconv.FormatInt(size, 10) })
	return f.end(FileTruncate, "truncate", int(size), 0)
}

// Seek sets the position of the next Read and Write.
func (f *File) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += f.at
	case io.SeekEnd:
		off += int64(len(f.in.data))
	}
	if off < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, &fs.PathError{Op: "seek", Path: f.name, Err: fs.ErrInvalid}
	}
	f.at = off
	return off, nil
}

// Sync makes the content survive a crash. For the name of a new file use SyncDir.
func (f *File) Sync() error {
	if err := f.begin(FileSync, "sync"); err != nil {
		if f.alive("sync") == nil { // the kernel has tried to write, and has failed
			f.in.doom()
		}
		return err
	}
	f.in.sync()
	return f.end(FileSync, "sync", 0, 0)
}

// Stat returns information about the file.
func (f *File) Stat() (fs.FileInfo, error) {
	if f.shut {
		return nil, &fs.PathError{Op: "stat", Path: f.name, Err: fs.ErrClosed}
	}
	return f.in.info(path.Base(f.name)), nil
}

// Close closes the file, even if it returns an error. It does not sync.
func (f *File) Close() error {
	if err := f.alive("close"); err != nil {
		return err
	}
	e := f.h.gate(Close, f.fd).e
	if e != 0 {
		e = kernel.EIO // the errors of Call Close are those of sockets
	}
	f.shut = true
	f.h.closeFile(f.fd)
	return f.end(Close, "close", 0, e)
}

func (f *File) status() status { return status{in: true, out: true} }
func (f *File) close()         { f.shut = true }
func (f *File) vanish()        { f.shut = true }
func (f *File) what() string   { return fmt.Sprintf("file %s", f.name) }

// A dirFile is an open directory.
type dirFile struct {
	d    *Disk
	name string
	list []fs.DirEntry
	read bool
}

func (f *dirFile) Stat() (fs.FileInfo, error) { return info{name: path.Base(f.name), dir: true}, nil }
func (f *dirFile) Close() error               { return nil }
func (f *dirFile) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
}

func (f *dirFile) ReadDir(n int) (list []fs.DirEntry, err error) {
	if !f.read {
		if f.list, err = f.d.ReadDir(f.name); err != nil {
			return nil, err
		}
		f.read = true
	}
	if n <= 0 {
		n = len(f.list)
	} else if len(f.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.list))
	list, f.list = f.list[:n], f.list[n:]
	return list, nil
}

// info contains information about a file or directory.
type info struct {
	name string
	size int64
	at   time.Time
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.at }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

var (
	_ fs.ReadDirFile     = (*dirFile)(nil)
	_ fs.ReadDirFS       = (*Disk)(nil)
	_ fs.ReadFileFS      = (*Disk)(nil)
	_ io.ReadWriteSeeker = (*File)(nil)
	_ io.ReaderAt        = (*File)(nil)
	_ io.WriterAt        = (*File)(nil)
)
