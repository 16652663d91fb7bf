// Command nethttp runs net/http on connections of package netconn. It serves files, answers a POST
// with a checksum, and can be a reverse proxy for other servers. It supports HTTP/1.1 and HTTP/2.
//
//	go run ./examples/nethttp -dir . &
//	curl -i http://127.0.0.1:8080/README.md
//	curl --data-binary @README.md http://127.0.0.1:8080/sum
//	go run ./examples/nethttp -addr 127.0.0.1:8443 -tls crypto -to http://127.0.0.1:8080 &
//	curl -ik https://127.0.0.1:8443/README.md
package main
