//go:build cgo

// Package main builds a C library with the functions that py/_bridge.py declares.
package main
