package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Disk is the disk of a host. It is an fs.FS with additional methods that write. Names are those
// of package fs: "log", "data/0001". A directory exists while it contains files.
//
// A crash keeps the writes that were synced. A write that was not synced is kept, lost, or torn:
// then only some of its sectors of 512 bytes are written. The seed decides, and each lost or torn
// write is a Fault. Changes of names (new files, renames, removals) survive up to some point in
// their order. After SyncDir they always survive. A killed program loses nothing.
//
// Calls take no time. They fail by Inject, Refuse and Faults.Error, as calls of the kernel do. If a
// Sync fails, the data that it should have written is lost at the next crash, as on Linux: a later
// Sync does not write it. The Files of a program that has ended are closed. While the host is down,
// calls return ErrCrashed.
type Disk struct {
	h      *Host
	names  map[string]*inode // the current names
	synced map[string]*inode // the names that survive a crash
	log    []rename          // changes of names that are not synced; the oldest one is first
	limit  int64
	writes int // the number of writes so far; the list of faults uses it
}

// A rename is a change of the names. If from is "", the file is new. If to is "", the file is
// removed.
type rename struct {
	from, to string
	node     *inode
	nth      int
}

// Disk returns the host's disk.
func (h *Host) Disk() *Disk {
	if h.disk == nil {
		h.disk = &Disk{h: h, names: map[string]*inode{}, synced: map[string]*inode{}}
	}
	return h.disk
}

// SetLimit limits the size of all files together to n bytes. A write beyond the limit writes the
// bytes that fit, and returns ENOSPC. 0 means no limit.
func (d *Disk) SetLimit(n int64) {
	if n < 0 {
		panic(fmt.Sprintf("sim: SetLimit(%d) of the disk of %s: must be 0 (no limit) or more bytes", n, d.h.name))
	}
	d.limit = n
}

// used returns the size of all files that have a name.
func (d *Disk) used() (n int64) {
	for _, f := range d.names {
		n += int64(len(f.data))
	}
	return n
}

// call begins a call that has a file name as its argument.
func (d *Disk) call(c Call, op, name string) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	v := d.h.gate(c, -1)
	if v.e == 0 && v.again {
		v.e = kernel.EIO
	}
	d.h.mixText(name)
	if v.e != 0 {
		return d.done(c, op, name, v.e)
	}
	return nil
}

// done records the end of a call, and returns its error.
func (d *Disk) done(c Call, op, name string, e Errno) error {
	d.h.args(quoted(name))
	d.h.note(c, -1, 0, e)
	switch {
	case e == kernel.EBADF && d.h.gone():
		return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w (host %s); call Restart first: %w", ErrCrashed, d.h.name, e)}
	case e != 0:
		return &fs.PathError{Op: op, Path: name, Err: e}
	}
	return nil
}

// Open opens a file or directory for reading.
func (d *Disk) Open(name string) (fs.File, error) {
	if fs.ValidPath(name) && d.names[name] == nil && d.isDir(name) {
		if err := d.call(FileOpen, "open", name); err != nil {
			return nil, err
		}
		return &dirFile{d: d, name: name}, d.done(FileOpen, "open", name, 0)
	}
	return d.OpenFile(name, os.O_RDONLY)
}

// OpenFile opens a file with flags of package os: O_RDONLY, or O_RDWR with O_CREATE, O_EXCL,
// O_TRUNC and O_APPEND. O_WRONLY means O_RDWR. Other flags return EINVAL. The File belongs to the
// program that has opened it, and counts as a descriptor.
func (d *Disk) OpenFile(name string, flag int) (*File, error) {
	if err := d.call(FileOpen, "open", name); err != nil {
		return nil, err
	}
	n, there := d.names[name]
	e := Errno(0)
	switch {
	case flag&^openFlags != 0:
		e = kernel.EINVAL
	case d.h.full():
		e = kernel.EMFILE
	case !there && flag&os.O_CREATE == 0:
		e = kernel.ENOENT
	case !there && d.isDir(name), d.underFile(name):
		e = kernel.ENOENT
	case there && flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		e = kernel.EEXIST
	}
	if e != 0 {
		return nil, d.done(FileOpen, "open", name, e)
	}
	if !there {
		n = &inode{d: d, made: d.h.Time()}
		d.change("", name, n)
	}
	f := &File{in: n, name: name, writes: flag&(os.O_WRONLY|os.O_RDWR) != 0, appends: flag&os.O_APPEND != 0}
	d.h.born(&f.node, f)
	f.oneByte, f.deaf = false, 0
	if flag&os.O_TRUNC != 0 && f.writes {
		n.write(0, nil, 0)
	}
	d.h.args(func() string { return strconv.Quote(name) + ", " + openText(flag) })
	d.h.note(FileOpen, f.fd, flag, 0)
	return f, nil
}

// openFlags contains all flags that OpenFile accepts. O_SYNC is not supported.
const openFlags = os.O_WRONLY | os.O_RDWR | os.O_CREATE | os.O_EXCL | os.O_TRUNC | os.O_APPEND

// Create is OpenFile with the flags for reading and writing a file that is new or emptied.
func (d *Disk) Create(name string) (*File, error) {
	return d.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

// change changes the names. A crash may undo the change.
func (d *Disk) change(from, to string, n *inode) {
	d.writes++
	d.log = append(d.log, rename{from, to, n, d.writes})
	apply(d.names, from, to, n)
}

func apply(names map[string]*inode, from, to string, n *inode) {
	if from != "" && names[from] == n {
		delete(names, from)
	}
	if to != "" {
		names[to] = n
	}
}

// Rename renames a file in one step: after a crash it has either the old or the new name. If
// another file has the new name, Rename replaces that file.
func (d *Disk) Rename(from, to string) error {
	if !fs.ValidPath(to) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid}
	}
	if err := d.call(FileRename, "rename", from); err != nil {
		return err
	}
	d.h.mixText(to)
	n := d.names[from]
	if n == nil || d.isDir(to) || d.underFile(to) {
		return d.done(FileRename, "rename", from, kernel.ENOENT)
	}
	d.change(from, to, n)
	d.h.args(func() string { return strconv.Quote(from) + ", " + strconv.Quote(to) })
	d.h.note(FileRename, -1, 0, 0)
	return nil
}

// Remove removes a file. A File that is already open can still be read and written.
func (d *Disk) Remove(name string) error {
	if err := d.call(FileRemove, "remove", name); err != nil {
		return err
	}
	n := d.names[name]
	if n == nil {
		return d.done(FileRemove, "remove", name, kernel.ENOENT)
	}
	d.change(name, "", n)
	return d.done(FileRemove, "remove", name, 0)
}

// SyncDir makes the names in a directory survive a crash. "." is the root directory. Earlier
// changes of other names are synced with them.
func (d *Disk) SyncDir(name string) error {
	if err := d.call(FileSync, "sync", name); err != nil {
		return err
	}
	if !d.isDir(name) {
		return d.done(FileSync, "sync", name, kernel.ENOENT)
	}
	last := 0
	for i, r := range d.log {
		if r.from != "" && path.Dir(r.from) == name || r.to != "" && path.Dir(r.to) == name {
			last = i + 1
		}
	}
	for _, r := range d.log[:last] {
		apply(d.synced, r.from, r.to, r.node)
	}
	d.log = slices.Delete(d.log, 0, last)
	return d.done(FileSync, "sync", name, 0)
}

func (d *Disk) isDir(name string) bool {
	if name == "." {
		return true
	}
	for f := range d.names { // in any order, because the result does not depend on it
		if strings.HasPrefix(f, name+"/") {
			return true
		}
	}
	return false
}

// underFile returns whether a part of the path is a file.
func (d *Disk) underFile(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if d.names[dir] != nil {
			return true
		}
	}
	return false
}

// ReadFile returns the contents of a file.
func (d *Disk) ReadFile(name string) ([]byte, error) {
	f, err := d.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	p := make([]byte, len(f.in.data))
	_, err = f.ReadAt(p, 0)
	return p, errors.Join(err, f.Close())
}

// ReadDir returns the files and directories in a directory, sorted by name.
func (d *Disk) ReadDir(name string) (list []fs.DirEntry, err error) {
	if err := d.call(FileOpen, "readdir", name); err != nil {
		return nil, err
	}
	if !d.isDir(name) {
		return nil, d.done(FileOpen, "readdir", name, kernel.ENOENT)
	}
	seen := map[string]fs.DirEntry{}
	for f, n := range d.names {
		rest, in := f, true
		if name != "." {
			rest, in = strings.CutPrefix(f, name+"/")
		}
		if first, _, deeper := strings.Cut(rest, "/"); in && deeper {
			seen[first] = fs.FileInfoToDirEntry(info{name: first, dir: true})
		} else if in {
			seen[first] = fs.FileInfoToDirEntry(n.info(first))
		}
	}
	for _, e := range seen {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
	return list, d.done(FileOpen, "readdir", name, 0)
}
