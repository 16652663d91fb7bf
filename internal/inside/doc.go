// Package inside connects the packages of this module where one needs a part of another that is
// not exported. The package that a variable names sets it, in its initialization.
//
// It also has the types of a loop's picture, which package reactor collects for package inspect.
// They are plain values, which do not change afterwards.
package inside
