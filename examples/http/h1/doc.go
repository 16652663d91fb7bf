// Package h1 is a server of HTTP/1.1 on callbacks, small enough to read in one sitting: requests
// (head.go), bodies (body.go), connections (conn.go) and answers (answer.go, file.go).
//
// It has connections that stay open, pipelines, bodies with a length or in chunks, Expect, HEAD,
// and ranges of a file. Heads, bodies and their time are limited. A request that breaks a rule of
// RFC 9110 or 9112 gets the status that the RFC names, and its connection is closed.
//
// /echo returns the body of a POST or PUT, and /file returns a file. Every other path returns a
// greeting.
package h1
