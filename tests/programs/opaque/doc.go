// Package opaque is for the programs that serve HTTP/2 with net/http on connections of our TLS.
package opaque
