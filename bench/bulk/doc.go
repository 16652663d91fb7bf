// Package bulk measures the cost of many datagrams: 16 datagrams of 1,200 bytes to one peer,
// repeated.
package bulk
