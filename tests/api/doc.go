// Package api keeps doc/api.txt, the list of everything that the module exports, up to date.
package api
