// Package bulk measures the cost of datagrams in bulk: 16 of 1,200 bytes to one peer, repeated.
package bulk
