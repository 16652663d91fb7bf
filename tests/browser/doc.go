// Package browser drives Chromium over a pipe. It tests the pages of package inspect and the chat
// in examples/websocket. It also makes the pictures of doc/operating.md:
//
//	go test ./tests/browser -long -update
package browser
