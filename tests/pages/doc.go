// Package pages tests the programs, links and lengths of the README and of the pages in doc/.
package pages
