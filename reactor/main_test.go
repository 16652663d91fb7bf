//go:build unix

package reactor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"go.uber.org/goleak"
)

// children has functions that a test runs in another process, because limits, crashes and context
// switches concern a whole process.
var children = map[string]func(){}

const childEnv = "REACTOR_TEST_CHILD"

// TestMain checks that the tests of this package have left no goroutine.
func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		f := children[name]
		if f == nil {
			fmt.Fprintln(os.Stderr, "no such child:", name)
			os.Exit(3)
		}
		f()
		os.Exit(0)
	}
	longtest.AtOnce(8)
	goleak.VerifyTestMain(m)
}

// child runs the function with this name in another process, and returns the output of that
// process.
func child(t *testing.T, name string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+name, "GOTRACEBACK=single")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// mustChild is like child, for a function that must succeed.
func mustChild(t *testing.T, name string) {
	t.Helper()
	out, errs, err := child(t, name)
	if err != nil {
		t.Fatalf("child %s: %v\n%s%s", name, err, out, errs)
	}
	if out != "" {
		t.Log(out)
	}
}

// require is the check in children, which have no testing.T.
func require(ok bool, format string, args ...any) {
	if !ok {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		os.Exit(1)
	}
}
