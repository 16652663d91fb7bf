// Package frame reads and writes the messages of a stream. A message is preceded by its length, or
// is followed by a delimiter, or is a line. Or all messages have the same size. The package works
// in callbacks and in blocking code.
//
// A Format describes the frames. A Reader reads them from a Source: a *reactor.Input in a callback,
// or a *socket.Input in a task or a goroutine. Each Format limits the size of a frame, so a peer
// cannot make a program hold more bytes than that. The work is linear in the number of bytes, even
// if the bytes arrive in very small pieces.
package frame
