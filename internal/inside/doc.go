// Package inside connects the packages of this module where one needs a part of another that is
// not exported. The package that a variable names sets it, in its initialization.
package inside
