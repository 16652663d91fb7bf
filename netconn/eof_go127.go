//go:build go1.27

package netconn

import "io"

// endOfUnix returns the error by which ReadFrom and ReadMsgUnix report the end of input. Since Go
// 1.27 package net does not wrap io.EOF.
func (c *gram) endOfUnix() error { return io.EOF }
