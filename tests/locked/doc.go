// Package locked tests programs that lock goroutines to threads (runtime.LockOSThread), as programs
// with a GUI or with network namespaces do. The runtime ends the process if a coroutine resumes in
// another lock state than the one in which it began. A test that fails may therefore end the test
// binary.
package locked
