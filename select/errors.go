package sel

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// OSError is the error of a Poll's calls. It is the OSError of package socket.
type OSError = socket.OSError

// ErrValue is the error if an argument is out of its range. The text has the name of the argument.
// The call had no effect.
var ErrValue = socket.ErrValue

// fail returns the error of a call, or nil if e is 0.
func fail(op string, e kernel.Errno) error {
	if e == 0 {
		return nil
	}
	return &OSError{Errno: int(e), Op: op}
}

// number returns the errno of a Poller's error, or 0 if err is nil.
func number(err error) kernel.Errno {
	if err == nil {
		return 0
	}
	return kernel.Number(err)
}
