// Command typecheck checks the types of this module's packages and of their tests for each system
// and processor that is named. It reads the source of every import. So it needs no compiled
// packages of the other systems, which take much longer to build.
//
//	go run ./tools/typecheck                      # all targets
//	go run ./tools/typecheck windows/amd64 plan9/386
package main
