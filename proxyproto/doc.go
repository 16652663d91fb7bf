// Package proxyproto reads and writes the headers of the PROXY protocol, versions 1 and 2, as
// HAProxy's doc/proxy-protocol.txt defines them. A proxy sends a header at the start of a
// connection. The header has the client's address.
//
// reactor.WithProxy reads headers of connections that a Listener accepts. Parse is for other
// servers, and Header.Append for proxies.
package proxyproto
