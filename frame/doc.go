// Package frame reads and writes messages on a stream: with a length in front, with a delimiter
// behind, lines, or of one size. It works in callbacks and in blocking code.
//
// A Format describes the frames. A Reader reads them from a Source: a *reactor.Input in a callback,
// or a *socket.Input in a task or a goroutine. Each Format has a largest frame, so a peer cannot
// make a program hold more. The work is linear in the bytes, in whatever pieces they arrive.
package frame
