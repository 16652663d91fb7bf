package sim

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// birthFrames is how many stack frames are stored for the call that has made a descriptor.
const birthFrames = 40

// birth returns the current stack of the program, for reports. In a world without a trace it
// returns nil.
func (w *World) birth() []uintptr {
	if w.opt.Trace == 0 {
		return nil
	}
	pcs := make([]uintptr, birthFrames)
	return pcs[:runtime.Callers(3, pcs)]
}

// module is the path of this module, with a slash.
const module = "github.com/ureactor/ureactor/"

// libraries are the packages with which a program makes its descriptors. place skips their frames.
var libraries = []string{"reactor.", "socket.", "select.", "netconn.", "sim.", "poller.", "kernel.", "internal/", "frame.", "websocket."}

// place returns the innermost line of the stack that belongs to the program itself, such as
// "pool/pool.go:52". For a connection that a listener has accepted, this is the line that runs the
// loop.
func place(birth []uintptr) string {
	frames := runtime.CallersFrames(birth)
	for more := len(birth) > 0; more; {
		var f runtime.Frame
		if f, more = frames.Next(); f.Function != "" && !isLibrary(f) {
			return fmt.Sprintf("%s/%s:%d", path.Base(path.Dir(f.File)), path.Base(f.File), f.Line)
		}
	}
	return ""
}

func isLibrary(f runtime.Frame) bool {
	if strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	name, own := strings.CutPrefix(f.Function, module)
	if !own {
		return strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "iter.")
	}
	for _, l := range libraries {
		if strings.HasPrefix(name, l) {
			return true
		}
	}
	return false
}

// Leaks returns a line for each descriptor that was still open when the programs of its host had
// ended. For correct programs the result is nil. In a world the garbage collector does not close
// abandoned descriptors. With Options.Trace, as in a replay, a line names the place where the
// descriptor was made.
func (w *World) Leaks() (left []string) {
	for _, h := range w.hosts {
		running := false
		for _, p := range h.procs {
			running = running || !p.over()
		}
		if running {
			continue
		}
		for _, f := range h.files {
			if f != nil {
				line := fmt.Sprintf("%s: %d %s", h.name, f.base().fd, f.what())
				if at := place(f.base().birth); at != "" {
					line += ", made at " + at
				}
				left = append(left, line)
			}
		}
	}
	return left
}
