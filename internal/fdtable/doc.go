// Package fdtable maps a descriptor to the value of its present user. A descriptor's number is
// reused after a close, so a look-up also names a generation. It never finds the value of another
// user of the number.
package fdtable
