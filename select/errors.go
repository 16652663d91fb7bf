package sel

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// OSError is the error of a Poll's calls. It is the type of package socket.
type OSError = socket.OSError

// ErrValue is the error for an argument outside its range. The error names the argument, and the
// call had no effect.
var ErrValue = socket.ErrValue

// fail is nil for 0.
func fail(op string, e kernel.Errno) error {
	if e == 0 {
		return nil
	}
	return &OSError{Errno: int(e), Op: op}
}

// number is the errno in a Poller's error, 0 for none.
func number(err error) kernel.Errno {
	if err == nil {
		return 0
	}
	return kernel.Number(err)
}
