//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyPictures makes each SIGUSR1 arrive in the channel.
func notifyPictures(to chan<- os.Signal) { signal.Notify(to, syscall.SIGUSR1) }
