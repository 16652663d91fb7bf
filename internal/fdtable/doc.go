// Package fdtable maps a descriptor to a value, and never to the value of an earlier user of its
// number.
package fdtable
