// Package inside connects packages of this module: it has variables for functions of one package
// that another one needs and that are not exported. Each variable is set by the package to which
// its function belongs, when that package is initialized.
//
// It also has the types of a loop's picture, which package reactor collects for package inspect.
// They are plain values, which do not change afterwards.
package inside
