// Package browser controls Chromium over a pipe. It tests the pages of package inspect and the chat
// in examples/websocket. It also makes the pictures in doc/operating.md:
//
//	go test ./tests/browser -long -update
package browser
