//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// killWithChildren makes the end of the context kill the children too: a test may have started
// some.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
