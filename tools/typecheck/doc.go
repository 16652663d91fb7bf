// Command typecheck checks the types of this module's packages and of their tests for each system
// and processor that is named. It reads the source of every import. So it needs no compiled
// packages of the other systems, which take much longer to build.
//
//	go run ./tools/typecheck                      # all targets
//	go run ./tools/typecheck windows/amd64 plan9/386
//
// It does not check assembly, the use of //go:linkname, the bodies of other modules' functions, and
// files with the tag cgo. go vet does: see the part targets of .ci/long.
package main
