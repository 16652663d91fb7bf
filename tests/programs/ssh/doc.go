// Package ssh runs x/crypto/ssh and pkg/sftp: exec, port forwarding, and 100 MB in each direction.
package ssh
