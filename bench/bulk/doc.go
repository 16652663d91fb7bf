// Package bulk measures what datagrams in bulk cost: 16 of 1,200 bytes to one peer, again and again.
package bulk
