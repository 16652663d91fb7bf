// Package examples has black-box tests of programs in examples/. It builds the programs, and starts
// them as processes. Programs whose tests need more than that have their tests beside them.
package examples
