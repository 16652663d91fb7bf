// Package netaddr parses and resolves addresses as package net does. Packages reactor and netconn
// and their programs share it. A lookup may block, so it is a separate step: a reactor runs it on a
// goroutine beside the loop, and netconn in the calling goroutine or task.
package netaddr
