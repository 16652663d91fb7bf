// Package h1 is an HTTP/1.1 server on callbacks that is small enough to read in one sitting:
// requests (head.go), bodies (body.go), connections (conn.go) and answers (answer.go, file.go).
//
// It supports persistent connections, pipelines, bodies with a length or in chunks, Expect, HEAD,
// and ranges of a file. The sizes of heads and bodies are limited, and so are their times. A
// request that breaks a rule of RFC 9110 or 9112 gets the status that the RFC names, and its
// connection is closed.
//
// /echo returns the body of a POST or PUT, and /file returns a file. All other paths return a
// greeting.
package h1
