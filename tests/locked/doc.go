// Package locked tests programs that lock goroutines to threads (runtime.LockOSThread). Programs
// with a GUI or with network namespaces do this. A coroutine must resume in the lock state in which
// it began. Otherwise Go's runtime ends the process, so a test that fails here may end the test
// binary.
package locked
