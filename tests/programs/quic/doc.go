// Package quic runs quic-go: HTTP/3 with 500 small answers and with 100 MB, ECN, GSO, and a server
// that is bound to the wildcard address.
package quic
