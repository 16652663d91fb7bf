//go:build !go1.27

package netconn

import "io"

// endOfUnix returns the error by which ReadFrom and ReadMsgUnix report the end of input. Before Go
// 1.27 package net wraps io.EOF.
func (c *gram) endOfUnix() error { return c.opError("read", io.EOF) }
