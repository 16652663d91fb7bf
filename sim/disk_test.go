package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/sim"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, d *sim.Disk, name, text string) *sim.File {
	t.Helper()
	f, err := d.Create(name)
	must(t, err)
	_, err = f.Write([]byte(text))
	must(t, err)
	return f
}

// A Disk passes the tests of package fstest for an fs.FS.
func TestADiskIsAnFS(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	d := w.Host("10.0.0.1").Disk()
	for _, name := range []string{"a", "dir/b", "dir/deep/c"} {
		must(t, write(t, d, name, "text of "+name).Close())
	}
	if err := fstest.TestFS(d, "a", "dir/b", "dir/deep/c"); err != nil {
		t.Error(err)
	}
	if text, err := d.ReadFile("dir/b"); string(text) != "text of dir/b" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	must(t, d.Rename("a", "dir/z"), d.Remove("dir/b"))
	if err := fstest.TestFS(d, "dir/deep/c", "dir/z"); err != nil {
		t.Error(err)
	}
}

// After a crash, synced data is there, and no byte has a value that was never written. Each sector
// of a write without a sync is old or new, and the seeds show both. New names survive in the order
// in which they were made.
func TestACrashLosesAndTearsWhatWasNotSynced(t *testing.T) {
	old, new := bytes.Repeat([]byte("o"), 2000), bytes.Repeat([]byte("n"), 2000)
	seen := map[string]int{}
	for seed := range uint64(longtest.Count(100, 200, 2000)) {
		w := sim.New(seed, sim.Options{})
		h := w.Host("10.0.0.1")
		d := h.Disk()
		f := write(t, d, "data", string(old))
		must(t, f.Sync(), d.SyncDir("."))
		_, err := f.WriteAt(new, 100)
		must(t, err)
		for i := range 3 {
			must(t, write(t, d, fmt.Sprint("new", i), "").Close())
		}
		must(t, d.Rename("new2", "last"))
		h.Crash()
		if _, err := f.WriteAt(old, 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("a write of a host that is down: %v", err)
		}
		if _, err := d.ReadFile("data"); !errors.Is(err, sim.ErrCrashed) || !errors.Is(err, kernel.EBADF) {
			t.Errorf("the disk of a host that is down: %v", err)
		}
		h.Restart()
		if _, err := f.WriteAt(old, 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("a write of the old program: %v", err)
		}
		got, err := d.ReadFile("data")
		must(t, err)
		kept := 0
		for from := 0; from < len(got); from = (from/512 + 1) * 512 {
			part := got[from:min((from/512+1)*512, len(got))]
			if from == 0 {
				if !bytes.Equal(part[:100], old[:100]) {
					t.Fatalf("seed %d: bytes that nobody has written again: %q", seed, part[:100])
				}
				part = part[100:]
			}
			if part = bytes.TrimRight(part, "\x00"); len(part) == 0 {
				continue // the file has its new size, but this sector was not written
			}
			switch all := part[0]; {
			case bytes.Count(part, []byte{all}) != len(part):
				t.Fatalf("seed %d: a sector of both: %q", seed, part)
			case all == 'n':
				kept++
			}
		}
		switch {
		case kept == 0 && len(got) == 2000:
			seen["lost"]++
		case kept == 5 && len(got) == 2100:
			seen["kept"]++
		case len(got) == 2100:
			seen["torn"]++
		default:
			t.Fatalf("seed %d: %d bytes, %d sectors are new", seed, len(got), kept)
		}
		var names []string
		list, err := d.ReadDir(".")
		must(t, err)
		for _, e := range list {
			names = append(names, e.Name())
		}
		all := strings.Join(names, " ")
		if !slices.Contains([]string{"data", "data new0", "data new0 new1", "data new0 new1 new2", "data last new0 new1"}, all) {
			t.Fatalf("seed %d: the names are %s", seed, all)
		}
		seen[all]++
		w.Close()
	}
	if len(seen) != 8 {
		t.Errorf("not every outcome was seen: %v", seen)
	}
}

// If a Sync fails, the data that it should have written is lost at the next crash, even if a later
// Sync succeeds. A program that calls Sync again and trusts the result loses data.
func TestAfterAFailedSyncTheDataIsLost(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	f := write(t, h.Disk(), "log", "one")
	must(t, f.Sync(), h.Disk().SyncDir("."))
	_, err := f.Write([]byte("two"))
	must(t, err)
	h.Inject(sim.Injection{Call: sim.FileSync, Nth: 1, Errno: kernel.EIO})
	if err := f.Sync(); !errors.Is(err, kernel.EIO) {
		t.Errorf("the injected error: %v", err)
	}
	must(t, f.Sync())
	g := write(t, h.Disk(), "other", "three")
	must(t, g.Close(), h.Disk().SyncDir("."))
	if err := g.Sync(); !errors.Is(err, fs.ErrClosed) { // the failed Sync loses nothing: see below
		t.Errorf("a Sync of a closed File: %v", err)
	}
	g, err = h.Disk().OpenFile("other", os.O_RDWR)
	must(t, err, g.Sync())
	h.Crash()
	h.Restart()
	for name, want := range map[string]string{"log": "one", "other": "three"} {
		if text, err := h.Disk().ReadFile(name); string(text) != want || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// A write to a full disk writes what fits and returns ENOSPC. Removing a file makes room. If a
// program is killed, its Files are closed and no data is lost.
func TestAFullDiskAndAKilledProgram(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	d := h.Disk()
	d.SetLimit(10)
	var f *sim.File
	h.Boot("writer", func() {
		f = write(t, d, "a", "123456")
		if n, err := f.Write([]byte("789012")); n != 4 || !errors.Is(err, kernel.ENOSPC) {
			t.Errorf("%d, %v", n, err)
		}
		if err := f.Truncate(11); !errors.Is(err, kernel.ENOSPC) {
			t.Errorf("truncate to more than there is: %v", err)
		}
		h.Kill("writer")
	})
	must(t, w.Run(time.Second))
	if h.Files() != 0 {
		t.Errorf("%d descriptors are left", h.Files())
	}
	if _, err := f.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a write of a killed program: %v", err)
	}
	if text, err := d.ReadFile("a"); string(text) != "1234567890" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	f, err := d.OpenFile("a", os.O_RDWR)
	must(t, err, d.Remove("a"), f.Truncate(0)) // a file without a name does not count
	b := write(t, d, "b", "1234567890")
	if _, err := b.Write([]byte("1")); !errors.Is(err, kernel.ENOSPC) {
		t.Errorf("a write to a full disk: %v", err)
	}
	must(t, f.Close(), b.Close())
}

// Misuse of a disk is an error, or a panic with a text that says what to do.
func TestBadDisks(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	d := w.Host("10.0.0.1").Disk()
	if v := panicked(func() { d.SetLimit(-1) }); !strings.Contains(v, "SetLimit(-1)") {
		t.Errorf("panic %q", v)
	}
	f := write(t, d, "a", "text")
	for name, err := range map[string]error{
		"an absolute name":         second(d.Create("/a")),
		"a name with ..":           second(d.Create("../a")),
		"a file as a directory":    second(d.Create("a/b")),
		"a name that is not there": d.Rename("b", "c"),
		"a bad new name":           d.Rename("a", "c/"),
		"a removal of nothing":     d.Remove("b"),
		"a sync of nothing":        d.SyncDir("b"),
		"a seek before the file":   second(f.Seek(-1, 0)),
		"an unknown whence":        second(f.Seek(1, 3)),
		"a negative offset":        second(f.ReadAt(nil, -1)),
		"a negative place":         second(f.WriteAt([]byte("x"), -1)),
		"a negative size":          f.Truncate(-1),
		"an unknown flag":          second(d.OpenFile("a", os.O_RDWR|os.O_SYNC)),
	} {
		var p *fs.PathError
		if !errors.As(err, &p) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, f.Close())
}

func second[T any](_ T, err error) error { return err }
