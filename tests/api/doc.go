// Package api checks that doc/api.txt lists everything that the module exports.
package api
