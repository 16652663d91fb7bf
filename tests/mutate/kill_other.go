//go:build !unix

package main

import "os/exec"

func withChildren(*exec.Cmd) {}

func killChildren(*exec.Cmd) error { return nil }
