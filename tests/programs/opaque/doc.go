// Package opaque helps programs that serve HTTP/2 with net/http on connections of netconn's TLS.
package opaque
