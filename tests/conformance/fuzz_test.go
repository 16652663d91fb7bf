//go:build linux

package conformance

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/tests/conformance/internal/lib"
)

var (
	binary   = flag.String("micropython", "", "a MicroPython of the unix port, whose answers count")
	seedFlag = flag.Uint64("fuzz.seed", 1, "the first seed")
	programs = flag.Int("fuzz.programs", 40, "how many programs of each kind are compared")
	foundDir = flag.String("fuzz.found", "", "a folder for programs that have found a difference, with the answers")
)

// A fuzzer runs the same program twice and compares the outputs. The reference is MicroPython, or
// the bridge in another mode if there is no MicroPython.
type fuzzer struct {
	lib.Bridge
	scripts string
	ports   int
}

func newFuzzer(t *testing.T) *fuzzer {
	b := built(t)
	return &fuzzer{b, filepath.Join(b.Modules, "../scripts"), lib.Ports()}
}

// ours runs a program on the bridge.
func (f *fuzzer) ours(kernel, source string) string {
	f.ports = lib.Ports()
	out, diag := f.Run(kernel, f.scripts, limit, []string{fmt.Sprint("LAB_PORT=", f.ports)}, "-S", "-c", source)
	return out + lastLine(diag)
}

// lastLine returns the name of the exception that ended a program. It finds the name in diag, the
// program's stderr.
func lastLine(diag string) string {
	lines := strings.Split(strings.TrimSpace(diag), "\n")
	for _, line := range slices.Backward(lines) {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.Contains(name, " ") {
			return "ended by " + name + "\n"
		}
	}
	return ""
}

// reference runs a program on MicroPython.
func (f *fuzzer) reference(source string) string {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	file, err := os.CreateTemp("", "fuzz*.py")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(source)
	if err2 := file.Close(); err != nil || err2 != nil {
		return fmt.Sprint(err, err2)
	}
	cmd := exec.CommandContext(ctx, *binary, file.Name())
	cmd.Dir = f.scripts
	cmd.Env = append(os.Environ(), "MICROPYPATH="+f.scripts+":.frozen", fmt.Sprint("LAB_PORT=", lib.Ports()))
	out, diag := lib.Output(cmd)
	return out + lastLine(diag)
}

// again runs a program. If the program ends with an exception before it prints anything, its ports
// may have been in use. So again runs it once more.
func again(run func() string) string {
	out := run()
	if strings.HasPrefix(out, "ended by") {
		out = run()
	}
	return out
}

// different returns the first pair of lines that differ and that no decision explains.
func different(kind, want, got string) (string, bool) {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b && decision(kind, a, b) == "" {
			return fmt.Sprintf("line %d is %q, want %q", i+1, b, a), true
		}
	}
	return "", false
}

// smallest removes lines from a program while differs still returns true for the remaining program.
func smallest(p program, differs func(program) bool) program {
	for size := max(len(p.lines)/2, 1); ; size = max(size/2, 1) {
		removed := false
		for at := 0; at < len(p.lines); {
			q := p
			q.lines = slices.Concat(p.lines[:at], p.lines[min(at+size, len(p.lines)):])
			if differs(q) {
				p, removed = q, true
			} else {
				at += size
			}
		}
		if size == 1 && !removed {
			return p
		}
	}
}

// Random programs print the same on the bridge as on MicroPython: calls, polls, arguments, threads
// and TLS. A program with a difference is made as small as possible. With -fuzz.found it becomes a
// script, with the output of MicroPython.
func TestRandomProgramsPrintTheSame(t *testing.T) {
	if *binary == "" {
		t.Log("only with -micropython PATH: a MicroPython's binary is not part of this module")
		return
	}
	f := newFuzzer(t)
	for kind := range kinds {
		t.Run(kinds[kind].name, func(t *testing.T) {
			found := 0
			for seed := *seedFlag; seed < *seedFlag+uint64(*programs) && found < 5; seed++ {
				p := generate(kind, seed)
				kernel := []string{"host", "loop", "simulated"}[seed%3]
				differs := func(p program) bool {
					want := again(func() string { return f.reference(p.text()) })
					_, yes := different(p.kind, want, again(func() string { return f.ours(kernel, p.text()) }))
					return yes
				}
				if first := differs(p); !first || !differs(p) { // the machine may have been busy
					continue
				}
				p = smallest(p, differs)
				want := f.reference(p.text())
				what, yes := different(p.kind, want, f.ours(kernel, p.text()))
				if !yes {
					t.Logf("%s, seed %d, %s: not each time", p.kind, seed, kernel)
					continue
				}
				found++
				t.Errorf("%s, seed %d, %s: %s\n%s", p.kind, seed, kernel, what, strings.Join(p.lines, "\n"))
				keep(t, p, want)
			}
		})
	}
}

// keep writes the program as a script, with the expected output, to the folder of -fuzz.found.
func keep(t *testing.T, p program, want string) {
	if *foundDir == "" {
		return
	}
	name := filepath.Join(*foundDir, fmt.Sprintf("fuzz_%s_%d", p.kind, p.seed))
	write(t, name+".py", "# Checks: what a random program has found.\n"+p.text())
	write(t, name+".out", want)
}

// Random programs print the same with parked goroutines, on a loop, and on a simulated kernel. The
// test compares these modes with each other, and needs no MicroPython.
func TestModesPrintTheSame(t *testing.T) {
	if !longtest.Only(t, "builds a C library and starts Python") {
		return
	}
	f := newFuzzer(t)
	for seed := range uint64(longtest.Count(1, 1, 25)) {
		for kind := range kinds {
			if !longtest.On() && kinds[kind].name != "tls" {
				continue
			}
			p := generate(kind, seed)
			want := again(func() string { return f.ours("host", p.text()) })
			if n := strings.Count(want, "\n"); n < len(p.lines)/2 || strings.Contains(want, "ended by") {
				t.Errorf("%s, seed %d: %d lines for %d calls\n%s", p.kind, seed, n, len(p.lines), want)
			}
			for _, kernel := range []string{"loop", "simulated"} {
				what, yes := different(p.kind, want, f.ours(kernel, p.text()))
				for tries := 1; yes && tries < 5; tries++ { // on a busy machine, another thread may be late
					want := again(func() string { return f.ours("host", p.text()) })
					what, yes = different(p.kind, want, f.ours(kernel, p.text()))
				}
				if yes {
					t.Errorf("%s, seed %d, %s: %s\n%s", p.kind, seed, kernel, what, p.text())
				}
			}
		}
	}
}

// The minimiser finds exactly the lines that a difference needs, wherever they are, and needs few
// runs.
func TestSmallestProgramHasWhatItNeeds(t *testing.T) {
	for _, needed := range [][]int{{0}, {39}, {3, 4}, {0, 20, 39}, {1, 13, 14, 35}} {
		p := program{}
		for i := range 40 {
			p.lines = append(p.lines, fmt.Sprint(i))
		}
		asked := 0
		got := smallest(p, func(q program) bool {
			asked++
			return !slices.ContainsFunc(needed, func(i int) bool { return !slices.Contains(q.lines, fmt.Sprint(i)) })
		})
		if len(got.lines) != len(needed) || asked > 150 {
			t.Errorf("of %d it keeps %q after %d runs", needed, got.lines, asked)
		}
	}
}

// A generator makes the same program from the same seed, and different programs from different
// seeds.
func TestSeedsMakePrograms(t *testing.T) {
	seen := map[string]bool{}
	for kind := range kinds {
		for seed := range uint64(20) {
			text := generate(kind, seed).text()
			if seen[text] || text != generate(kind, seed).text() {
				t.Errorf("%s, seed %d", kinds[kind].name, seed)
			}
			seen[text] = true
		}
	}
}
