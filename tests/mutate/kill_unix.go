//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// withChildren makes the end of the context kill the children too: a test may have started some.
func withChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killChildren(cmd) }
}

// killChildren kills what a test has started and left, after its own end too.
func killChildren(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
