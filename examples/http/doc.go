// Command http is a server of HTTP/1.1 on callbacks, small enough to read in one sitting: requests
// (head.go), bodies (body.go), connections (conn.go) and answers (answer.go, file.go).
//
// It has connections that stay open, pipelines, bodies with a length or in chunks, Expect, HEAD,
// ranges of a file, and limits on heads, bodies and time. A request that breaks a rule of RFC 9110
// or 9112 gets the status that they name, and ends its connection.
//
// Each path has a greeting. /echo returns the body of a POST or PUT. /file is the file of -file.
//
//	go run ./examples/http -loops 0 -file go.mod &
//	curl -i http://127.0.0.1:8080/
//	curl -r 0-99 http://127.0.0.1:8080/file
package main
