// Package quic runs quic-go: HTTP/3 with 500 small answers and 100 MB, ECN, GSO, and a server on
// all addresses.
package quic
