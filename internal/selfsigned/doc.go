// Package selfsigned makes certificates for examples and tests. Its tests are in internal/secure.
package selfsigned
