package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"go.uber.org/goleak"
)

const childEnv = "ECHO_TEST_CHILD"

// binary is the path of this test binary. In a process that a test has started, TestMain runs main.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	var err error
	if binary, err = os.Executable(); err == nil {
		err = os.Setenv(childEnv, "1")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	longtest.AtOnce(8) // the tests wait for processes
	goleak.VerifyTestMain(m)
}
