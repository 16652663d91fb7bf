// Package dns runs miekg/dns: queries by UDP and TCP, a second address, and dnsperf.
package dns
