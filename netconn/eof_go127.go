//go:build go1.27

package netconn

import "io"

// endOfUnix is the end of input as ReadFrom and ReadMsgUnix report it: package net does not wrap it
// since Go 1.27.
func (c *gram) endOfUnix() error { return io.EOF }
