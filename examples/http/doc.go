// Command http answers every request with a greeting. It has the part of HTTP/1.1 that this takes:
// pipelines, bodies with a length, HEAD, and connections that stay open or close.
//
//	go run ./examples/http -loops 0 &
//	curl -i http://127.0.0.1:8080/
package main
