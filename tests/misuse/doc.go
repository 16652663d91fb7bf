// Package misuse calls every exported function with values that nobody should pass. These are
// numbers that are negative or too large, empty and nil slices, and nil functions.
package misuse
