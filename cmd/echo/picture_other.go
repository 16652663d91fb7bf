//go:build !unix

package main

import "os"

// notifyPictures does nothing, because the system has no SIGUSR1.
func notifyPictures(chan<- os.Signal) {}
