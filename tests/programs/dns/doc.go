// Package dns runs miekg/dns and dnsperf: queries over UDP and TCP, and a server with a second
// address.
package dns
