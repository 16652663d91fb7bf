package websocket

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"unicode/utf8"
)

// A Code is the reason for which a connection is closed (RFC 6455, 7.4). Programs may define 3000 …
// 4999 themselves.
type Code uint16

const (
	Normal            Code = 1000
	GoingAway         Code = 1001 // the server drains, or the browser has left the page
	ProtocolError     Code = 1002
	Unsupported       Code = 1003 // the program does not accept this kind of message
	NoStatus          Code = 1005 // the peer's Close had no code; NoStatus is never sent
	Abnormal          Code = 1006 // the stream has ended without a Close; Abnormal is never sent
	InvalidData       Code = 1007 // a text that is not UTF-8, or data that cannot be inflated
	PolicyViolation   Code = 1008
	TooBig            Code = 1009
	MissingExtension  Code = 1010
	InternalError     Code = 1011
	ServiceRestart    Code = 1012
	TryAgainLater     Code = 1013
	BadGateway        Code = 1014
	maxReason              = 123 // bytes of a reason: a control frame has at most 125
	firstOfPrograms   Code = 3000
	lastOfPrograms    Code = 4999
	firstUnregistered Code = 1015
)

var codeNames = map[Code]string{
	Normal: "normal", GoingAway: "going away", ProtocolError: "protocol error", Unsupported: "unsupported data",
	NoStatus: "no status", Abnormal: "no close handshake", InvalidData: "invalid data",
	PolicyViolation: "policy violation", TooBig: "message too big", MissingExtension: "missing extension",
	InternalError: "internal error", ServiceRestart: "service restart", TryAgainLater: "try again later",
	BadGateway: "bad gateway",
}

func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return strconv.Itoa(int(c)) + " " + name
	}
	return strconv.Itoa(int(c))
}

// sendable reports whether a Close frame may contain the code.
func (c Code) sendable() bool {
	switch {
	case c == 1004, c == NoStatus, c == Abnormal:
		return false
	}
	return c >= Normal && c < firstUnregistered || c >= firstOfPrograms && c <= lastOfPrograms
}

// A CloseError is the error that Closed gets if the connection has ended with a Close frame, or
// without one.
type CloseError struct {
	Code   Code
	Reason string
	Peer   bool // true: the peer has chosen the code; false: this side has
}

func (e *CloseError) Error() string {
	who := "closed with "
	if e.Peer {
		who = "the peer closed with "
	}
	if e.Reason == "" {
		return "websocket: " + who + e.Code.String()
	}
	return "websocket: " + who + e.Code.String() + ": " + e.Reason
}

// violation returns the error for a peer that has broken a rule. The connection fails with the
// code.
func violation(code Code, reason string) *CloseError { return &CloseError{Code: code, Reason: reason} }

var (
	// ErrClosed is returned by the methods of a Conn or Stream that is closed, or for which Close was
	// called.
	ErrClosed = errors.New("websocket: use of a closed connection")
	// ErrSilent is the error that Closed gets if the peer has not answered a ping of WithPing. It
	// wraps os.ErrDeadlineExceeded.
	ErrSilent error = &lateError{"websocket: the peer is silent: it has not answered a ping"}
	// ErrCloseTimeout is the error that Closed gets if the peer has not answered a Close within the
	// time of WithCloseTimeout. It wraps os.ErrDeadlineExceeded.
	ErrCloseTimeout error = &lateError{"websocket: the peer has not answered a Close"}
	// ErrHandshakeTimeout is the error that Closed gets if a handshake takes too long. It wraps
	// os.ErrDeadlineExceeded.
	ErrHandshakeTimeout error = &lateError{"websocket: the handshake took too long"}
	// ErrParts is returned by Send while a message of SendPart is incomplete.
	ErrParts = errors.New("websocket: a message of SendPart is incomplete: end it with last = true")
)

type lateError struct{ text string }

func (e *lateError) Error() string   { return e.text }
func (e *lateError) Timeout() bool   { return true }
func (e *lateError) Temporary() bool { return false }
func (e *lateError) Unwrap() error   { return os.ErrDeadlineExceeded }

// checkClose returns an error if a Close frame must not have this code or reason.
func checkClose(code Code, reason string) error {
	switch {
	case !code.sendable():
		return fmt.Errorf("websocket: Close(%d): must be 1000 … 1003, 1007 … 1014 or 3000 … 4999", int(code))
	case len(reason) > maxReason:
		return fmt.Errorf("websocket: Close: a reason of %d bytes: must be at most %d", len(reason), maxReason)
	case !utf8.ValidString(reason):
		return fmt.Errorf("websocket: Close: the reason %q is not UTF-8", reason)
	}
	return nil
}

// parseClose returns the meaning of a Close frame's payload, or a violation.
func parseClose(p []byte) (*CloseError, *CloseError) {
	if len(p) == 0 {
		return &CloseError{Code: NoStatus, Peer: true}, nil
	}
	if len(p) == 1 {
		return nil, violation(ProtocolError, "a Close of one byte")
	}
	code := Code(p[0])<<8 | Code(p[1])
	if !code.sendable() {
		return nil, violation(ProtocolError, "a Close with the code "+strconv.Itoa(int(code)))
	}
	if !utf8.Valid(p[2:]) {
		return nil, violation(InvalidData, "the reason of a Close is not UTF-8")
	}
	return &CloseError{Code: code, Reason: string(p[2:]), Peer: true}, nil
}
