// Command clients runs h2load, wrk, slowhttptest and testssl.sh against net/http's server. The
// server runs over package net, over netconn with crypto/tls, and over netconn's own TLS. The
// command compares the reports and writes a table:
//
//	go -C tests/programs run ./clients -readme ../../doc/net.md
//
// The programs are in Debian's packages nghttp2-client, wrk, slowhttptest and testssl.sh. If a
// program is missing, the table says so. The command fails if a result over netconn differs from
// the result over package net.
package main
