// Package inside connects the packages of this module where one needs a part of another that is
// not exported. Each variable is set by the package that it speaks of, before any program runs.
package inside
