// Package api tests what users see of the module: the text and the exported API.
//
//   - doc/api.txt lists everything that the module exports.
//   - The programs, links and lengths of the README and of the pages in doc/ are right.
//   - The pictures of doc/design.md are current.
//   - Every exported function notices values that nobody should pass. These are numbers that are
//     negative or too large, empty and nil slices, and nil functions.
//
// With -update the tests write doc/api.txt and the pictures:
//
//	go test ./tests/api -update
package api
