//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyPictures makes SIGUSR1 send to the channel.
func notifyPictures(to chan<- os.Signal) { signal.Notify(to, syscall.SIGUSR1) }
