// Package inside lets packages of this module use functions of each other that are not exported. It
// has one variable for each such function. The package that has the function sets the variable when
// the package is initialized.
//
// It also has the types of a loop's picture, which package reactor collects for package inspect. A
// picture contains plain values, and nobody changes them after the collection.
package inside
