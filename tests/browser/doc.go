// Package browser tests the pages of package inspect and the chat in examples/websocket in Chromium,
// which it drives over a pipe. It also makes the pictures of doc/operating.md:
//
//	go test ./tests/browser -long -update
package browser
