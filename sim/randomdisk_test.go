package sim_test

import (
	"os"
	"slices"

	"github.com/ureactor/ureactor/sim"
)

// disk makes a call of the host's disk. A live Kernel has no disk.
func (c *scripter) disk() {
	h, is := c.k.(*sim.Host)
	if !is || c.quiet {
		return
	}
	d := h.Disk()
	names := []string{"a", "a", "b", "dir/a", "dir/b", "dir/deep/c", "a/x", "dir", ".", "/bad"}
	name, other := names[c.r.Int(len(names))], names[c.r.Int(len(names))]
	switch c.r.Int(12) {
	case 0, 1, 2:
		flag := c.pick(os.O_RDONLY, os.O_WRONLY, os.O_RDWR) | c.pick(0, os.O_CREATE, os.O_CREATE) | c.pick(0, 0, os.O_EXCL, os.O_TRUNC, os.O_APPEND, os.O_SYNC)
		f, err := d.OpenFile(name, flag)
		if c.note("openfile(%s, %x) %v", name, flag, err); err == nil {
			c.files = append(c.files, f)
		}
	case 3:
		c.note("rename(%s, %s) %v", name, other, d.Rename(name, other))
	case 4:
		c.note("remove(%s) %v", name, d.Remove(name))
	case 5:
		c.note("syncdir(%s) %v", name, d.SyncDir(name))
	case 6:
		list, err := d.ReadDir(name)
		c.note("readdir(%s) = %v %v", name, list, err)
		text, err := d.ReadFile(other)
		c.note("readfile(%s) = %d %.20q %v", other, len(text), text, err)
	case 7:
		f, err := d.Open(name)
		if c.note("open(%s) %v", name, err); err == nil {
			info, err := f.Stat()
			c.note("stat %s %v %v, close %v", info.Name(), info.IsDir(), err, f.Close())
		}
	default:
		c.file()
	}
}

// file makes a call of an open file.
func (c *scripter) file() {
	if len(c.files) == 0 {
		return
	}
	i, p := c.r.Int(len(c.files)), c.bytes(2000)
	f, off := c.files[i], int64(c.pick(-1, 0, 1, 500, 512, 1000, 5000))
	switch c.r.Int(9) {
	case 0:
		n, err := f.Write(p)
		c.note("write(%s, %d) = %d %v", f.Name(), len(p), n, err)
	case 1:
		n, err := f.WriteAt(p, off)
		c.note("writeat(%s, %d, %d) = %d %v", f.Name(), len(p), off, n, err)
	case 2:
		n, err := f.Read(p)
		c.note("read(%s, %d) = %d %.20q %v", f.Name(), len(p), n, p[:n], err)
	case 3:
		n, err := f.ReadAt(p, off)
		c.note("readat(%s, %d, %d) = %d %.20q %v", f.Name(), len(p), off, n, p[:n], err)
	case 4:
		whence := c.pick(0, 1, 2, 3)
		n, err := f.Seek(off, whence)
		c.note("seek(%s, %d, %d) = %d %v", f.Name(), off, whence, n, err)
	case 5:
		c.note("truncate(%s, %d) %v", f.Name(), off, f.Truncate(off))
	case 6, 7:
		c.note("sync(%s) %v", f.Name(), f.Sync())
		if info, err := f.Stat(); err == nil {
			c.note("stat(%s) = %s %d %v", f.Name(), info.Name(), info.Size(), info.ModTime())
		}
	case 8:
		c.note("close(%s) %v", f.Name(), f.Close())
		c.files = slices.Delete(c.files, i, i+1)
	}
}
