// Command websocket is a chat room for browsers. It runs net/http on connections of package
// netconn. The library github.com/coder/websocket adopts them with Hijack.
//
//	go -C examples/websocket run .         # a browser or two: http://127.0.0.1:8080/
//
// It is a module of its own, so ureactor does not depend on that library. CONTRIBUTING.md says how
// to run it with an ureactor that is not released yet.
package main
