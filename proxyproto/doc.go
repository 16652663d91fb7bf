// Package proxyproto reads and writes the headers of the PROXY protocol, versions 1 and 2, as
// HAProxy's doc/proxy-protocol.txt defines them. A proxy sends such a header at the start of a
// connection. It contains the client's address.
//
// reactor.WithProxy reads the headers of connections that a Listener accepts. Parse is for other
// servers, and Header.Append is for proxies.
package proxyproto
