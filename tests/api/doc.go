// Package api tests what users see of the module: the text and the exported API.
//
//   - doc/api.txt lists everything that the module exports.
//   - The programs, links and lengths of the README and of the pages in doc/ are right.
//   - Every exported function notices values that nobody should pass. These are numbers that are
//     negative or too large, empty and nil slices, and nil functions.
package api
