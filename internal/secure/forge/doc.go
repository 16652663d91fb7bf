// Package forge seals TLS 1.3 records that crypto/tls would not send. It is for tests only.
package forge
