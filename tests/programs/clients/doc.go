// Command clients runs h2load, wrk, slowhttptest and testssl.sh against net/http's server over
// package net, over netconn with crypto/tls, and over netconn's own TLS. It compares what they
// report, and writes a table:
//
//	go -C tests/programs run ./clients -readme ../../doc/net.md
//
// The programs are in Debian's packages nghttp2-client, wrk, slowhttptest and testssl.sh. A program
// that is missing is left out, and the table says so. The command fails if a result over netconn is
// not that over package net.
package main
