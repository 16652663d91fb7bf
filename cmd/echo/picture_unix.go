//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyPictures has SIGUSR1 sent to the channel.
func notifyPictures(to chan<- os.Signal) { signal.Notify(to, syscall.SIGUSR1) }
