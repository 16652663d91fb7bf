// Package conformance has scripts that a real MicroPython answered. The README tells how they are kept.
package conformance

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scriptsAtOnce run side by side: they sleep most of the time.
const scriptsAtOnce = "6"

// A script that runs this long hangs.
const guard = 2 * time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", scriptsAtOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// Every script prints under our socket and select what MicroPython printed, or what a decision in SEMANTICS wants
// instead. Each has its own port numbers above one base.
func TestScripts(t *testing.T) {
	lib := build(t)
	scripts, err := filepath.Glob("scripts/*.py")
	if err != nil || len(scripts) < 100 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	base := ports()
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".py")
		if name == "lab" { // what the others share
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile("scripts/" + name + ".want")
			if err != nil {
				want, err = os.ReadFile("scripts/" + name + ".out")
			}
			if err != nil {
				t.Fatal(err)
			}
			got, stderr := run(t, lib, base, name)
			if got != string(want) {
				t.Errorf("printed\n%s\nwant\n%s\nstderr\n%s", got, want, stderr)
			}
		})
	}
}

func build(t *testing.T) (lib string) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 to run the scripts: ", err)
	}
	env, err := exec.Command("go", "env", "CGO_ENABLED", "CC").Output()
	if err != nil {
		t.Skip("no go command to build the library: ", err)
	}
	cgo, cc, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	if cgo != "1" {
		t.Skip("cgo is off, the scripts need a C library")
	}
	if fields := strings.Fields(cc); len(fields) == 0 {
		t.Skip("no C compiler is configured")
	} else if _, err := exec.LookPath(fields[0]); err != nil {
		t.Skip("no C compiler: ", err)
	}
	lib = filepath.Join(t.TempDir(), "lib.so")
	out, err := exec.Command("go", "build", "-buildmode=c-shared", "-o", lib, "./bridge").CombinedOutput()
	if err != nil {
		t.Fatalf("building the library: %v\n%s", err, out)
	}
	return lib
}

// ports is a base below those that the system gives out, most likely not that of another run at this time.
func ports() int {
	const first, last, size = 10000, 32768, 1120
	return first + (os.Getpid()+int(time.Now().UnixNano()>>20))%((last-first)/size)*size
}

func run(t *testing.T, lib string, base int, name string) (stdout, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "python3", "-B", name+".py")
	cmd.Dir = "scripts"
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(here, "py"), "MPNET_LIB="+lib, fmt.Sprint("LAB_PORT=", base))
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(&diag, err)
	}
	return out.String(), diag.String()
}
