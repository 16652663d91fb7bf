//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// withChildren makes the end of the context kill the command's children too, because a test may
// start some.
func withChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killChildren(cmd) }
}

// killChildren kills the children of a test that are left. It also works after the test has ended.
func killChildren(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
