package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// fails checks that a run ends with an error that contains these words.
func fails(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: want %q", err, word)
		}
	}
}

// The tool refuses to run if the package has uncommitted files, new or changed, because the journal
// would not match the code. Uncommitted files of other packages do not matter.
func TestUncommittedChangesAreRefused(t *testing.T) {
	if !longtest.Default(t, "starts git") {
		return
	}
	temp := fixture(t)
	must(t, os.WriteFile("red/new.go", []byte("package red\n"), 0o600))
	_, _, err := try(options{}, "ops+red")
	fails(t, err, "ops+red", "uncommitted changes", "red/new.go", "commit or stash")
	if out, err := exec.Command("git", "add", ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, _, err = try(options{}, "red")
	fails(t, err, "uncommitted changes", "red/new.go")
	if out, _, err := try(options{dry: true}, "ops"); err != nil || !strings.Contains(out, "1: ops.Negate | return early | Negate") {
		t.Error(out, err)
	}
	empty(t, temp)
}

// The error names a wrong group, journal or list.
func TestBadArgumentsAreNamed(t *testing.T) {
	if !longtest.Default(t, "starts git") {
		return
	}
	temp := fixture(t)
	for _, group := range []string{"none", "ops+none", "", "../..", "ops+"} {
		_, _, err := try(options{dry: true}, group)
		fails(t, err, group+": ")
	}
	must(t, os.WriteFile("journal", []byte("{}\nnonsense\n{}\n"), 0o600))
	_, _, err := try(options{journal: "journal"}, "ops")
	fails(t, err, "journal at byte 3", "remove the file")
	_, _, err = try(options{journal: "none/journal"}, "ops")
	fails(t, err, "none/journal")
	_, _, err = try(options{list: "ops"}, "ops")
	fails(t, err, "ops")
	empty(t, temp)
}

// A test that fails without a mutant is run again. If it fails again, the error has its name and
// its output.
func TestATestThatFailsWithoutAMutantEndsTheRun(t *testing.T) {
	if !longtest.Only(t, "compiles mutants") {
		return
	}
	temp := fixture(t)
	_, log, err := try(options{journal: "journal"}, "red")
	fails(t, err, "red", "TestTwo fails without a mutant", "two is not three")
	if !strings.Contains(log, "TestTwo failed without a mutant, tried again") {
		t.Error(log)
	}
	if all := outcomes(t, "journal"); len(all) != 0 {
		t.Error(all)
	}
	empty(t, temp)
}

// If -n chooses no mutant in a package, the tests of this package still run, and reach no mutant.
func TestAPackageMayHaveNoMutant(t *testing.T) {
	if !longtest.Only(t, "compiles mutants") {
		return
	}
	temp := fixture(t)
	_, log, err := try(options{number: 1, journal: "journal"}, "ops+weak")
	if err != nil || len(outcomes(t, "journal")) != 1 {
		t.Error(err, log)
	}
	empty(t, temp)
}

// The test runs again in a separate mount namespace with a file system of 64 KiB. In one run the
// scratch directory is on this file system, and in the other run the journal is.
func TestAFullDiskEndsTheRun(t *testing.T) {
	if !longtest.Only(t, "compiles mutants") {
		return
	}
	const variable = "MUTATE_TINY"
	if tiny := os.Getenv(variable); tiny != "" {
		onFullDisk(t, tiny)
		return
	}
	self, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	script := `mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"`
	cmd := exec.Command("unshare", "-rm", "sh", "-c", script, dir, self, "-test.run", "^TestAFullDiskEndsTheRun$", "-test.v", "-long")
	cmd.Env = append(os.Environ(), variable+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func onFullDisk(t *testing.T, tiny string) {
	fixture(t)
	temp := os.Getenv("TMPDIR")
	t.Setenv("TMPDIR", tiny)
	_, _, err := try(options{}, "weak")
	fails(t, err, "weak", "no space left on device")
	empty(t, tiny)

	t.Setenv("TMPDIR", temp)
	journal := filepath.Join(tiny, "journal")
	full := filepath.Join(tiny, "full")
	must(t, os.WriteFile(journal, nil, 0o600))
	if err := os.WriteFile(full, make([]byte, 1<<17), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	_, _, err = try(options{journal: journal}, "weak")
	fails(t, err, "weak", "no space left on device")
	empty(t, temp)
	must(t, os.Remove(full))
	if _, log, err := try(options{journal: journal}, "weak"); err != nil || len(outcomes(t, journal)) == 0 {
		t.Error(err, log)
	}
}
