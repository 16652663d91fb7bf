// Package desc implements blocking calls in one function, Desc.Do: it tries the call; on EAGAIN it
// waits for the descriptor to become ready, until the deadline; then it tries again. Accept,
// connect, receive, send and Poll all wait there, and nowhere else.
package desc
