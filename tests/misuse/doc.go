// Package misuse calls every exported function with values that nobody should pass: numbers that
// are negative or do not fit, empty and missing slices, missing functions.
package misuse
