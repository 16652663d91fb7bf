// Package netaddr parses and resolves addresses as package net does, for packages reactor and
// netconn. A lookup may block, so it is a separate step. A reactor runs the lookup on a goroutine
// beside the loop. netconn runs it in the calling goroutine or task.
package netaddr
