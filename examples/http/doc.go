// Command http serves HTTP/1.1 on callbacks. Its server is in the folder h1.
//
//	go run ./examples/http -loops 0 -file go.mod &
//	curl -i http://127.0.0.1:8080/
//	curl -d hello http://127.0.0.1:8080/echo
//	curl -r 0-99 http://127.0.0.1:8080/file
package main
