// Package pages tests the README and the pages in doc/: their programs, links and length.
package pages
