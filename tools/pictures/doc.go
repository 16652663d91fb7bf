// Command pictures draws the pictures of doc/design.md: the layers of packages, and a turn of the
// loop.
//
//	go run ./tools/pictures   # in the root of the repository; writes doc/layers.svg and doc/turn.svg
//
// Each picture has its own background, so that light and dark pages can show it.
package main
