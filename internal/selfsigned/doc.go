// Package selfsigned makes certificates for examples and tests.
package selfsigned
