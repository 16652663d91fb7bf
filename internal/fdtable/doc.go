// Package fdtable finds what belongs to a descriptor, and to no earlier user of its number.
package fdtable
