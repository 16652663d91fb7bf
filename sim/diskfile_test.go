package sim_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// A File has the same results as an os.File when a program reads, writes, appends and seeks.
func TestAFileIsLikeOneOfPackageOS(t *testing.T) {
	type file interface {
		io.ReadWriteSeeker
		io.ReaderAt
		io.WriterAt
		io.Closer
		Truncate(int64) error
	}
	run := func(open func(name string, flag int) (file, error)) (text string) {
		say := func(args ...any) { text += fmt.Sprintln(args...) }
		cause := func(err error) any {
			var e kernel.Errno
			switch {
			case errors.As(err, &e):
				return e
			case errors.Is(err, fs.ErrClosed):
				return fs.ErrClosed
			}
			return err
		}
		f, err := open("f", os.O_RDWR|os.O_CREATE|os.O_EXCL)
		say(cause(err))
		_, err = open("f", os.O_RDWR|os.O_CREATE|os.O_EXCL)
		say(cause(err))
		_, err = open("g", os.O_RDWR)
		say(cause(err))
		n, err := f.Write([]byte("hello world"))
		say(n, cause(err))
		p := make([]byte, 4)
		n, err = f.Read(p)
		say(n, cause(err))
		at, err := f.Seek(-5, io.SeekEnd)
		say(at, cause(err))
		n, err = f.Read(p)
		say(n, cause(err), string(p))
		n, err = f.Read(p)
		say(n, cause(err), string(p[:n]))
		for _, to := range []int64{0, -1} {
			at, err = f.Seek(to, io.SeekStart)
			say(at, err == nil)
		}
		n, err = f.WriteAt([]byte("far"), 20)
		say(n, cause(err))
		n, err = f.ReadAt(p, 21)
		say(n, cause(err), string(p[:n]))
		say(cause(f.Truncate(3)))
		a, err := open("f", os.O_WRONLY|os.O_APPEND)
		say(cause(err))
		n, err = a.Write([]byte("!"))
		say(n, cause(err))
		p = make([]byte, 9)
		n, err = f.ReadAt(p, 0)
		say(n, cause(err), string(p[:n]))
		r, err := open("f", os.O_RDONLY)
		say(cause(err))
		n, err = r.Write([]byte("x"))
		say(n, cause(err))
		say(cause(r.Close()), cause(r.Close()), cause(a.Close()), cause(f.Close()))
		_, err = open("f", os.O_RDWR|os.O_TRUNC)
		say(cause(err))
		return text
	}
	dir := t.TempDir()
	var opened []*os.File
	real := run(func(name string, flag int) (file, error) {
		f, err := os.OpenFile(dir+"/"+name, flag, 0o600)
		opened = append(opened, f)
		return f, err
	})
	for _, f := range opened {
		f.Close()
	}
	w := sim.New(1, sim.Options{})
	defer w.Close()
	d := w.Host("10.0.0.1").Disk()
	simulated := run(func(name string, flag int) (file, error) { return d.OpenFile(name, flag) })
	if real != simulated {
		t.Errorf("package os:\n%s\nsimulated:\n%s", real, simulated)
	}
}

// SyncDir of the old directory makes a rename to another directory durable. Later changes in other
// directories survive or are lost, as the seed decides.
func TestSyncDirKeepsARenameAndNotWhatCameLater(t *testing.T) {
	later := map[bool]int{}
	for seed := range uint64(40) {
		w := sim.New(seed, sim.Options{})
		h := w.Host("10.0.0.1")
		d := h.Disk()
		must(t, write(t, d, "from/a", "").Close(), write(t, d, "from/b", "").Close(), d.SyncDir("from"))
		must(t, d.Rename("from/a", "to/a"), write(t, d, "later/c", "").Close(), d.SyncDir("from"))
		h.Crash()
		h.Restart()
		if _, err := d.ReadFile("to/a"); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		_, err := d.ReadFile("later/c")
		later[err == nil]++
		w.Close()
	}
	if later[true] == 0 || later[false] == 0 {
		t.Errorf("the later file: %v", later)
	}
}

// A disk never returns EAGAIN, and its Files count towards the host's limit of descriptors. The
// bytes that are written to a file are a part of the history's hash.
func TestADiskHasErrorsOfDisks(t *testing.T) {
	hash := func(text string) uint64 {
		w := sim.New(1, sim.Options{})
		defer w.Close()
		h := w.Host("10.0.0.1")
		d := h.Disk()
		f := write(t, d, "a", text)
		for _, c := range []sim.Call{sim.FileOpen, sim.FileWrite} {
			h.Inject(sim.Injection{Call: c, Nth: 1, Errno: kernel.EAGAIN})
		}
		if _, err := d.Create("b"); !errors.Is(err, kernel.EIO) {
			t.Errorf("open: %v", err)
		}
		if _, err := f.Write([]byte("x")); !errors.Is(err, kernel.EIO) {
			t.Errorf("write: %v", err)
		}
		h.SetFileLimit(1)
		if _, err := d.Create("b"); !errors.Is(err, kernel.EMFILE) {
			t.Errorf("a second descriptor: %v", err)
		}
		return w.Hash()
	}
	if hash("one") == hash("two") {
		t.Error("other contents have the same history")
	}
}
