package stacks

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// Most limits the text of all stacks, in bytes.
const Most = 4 << 20

// All returns the stacks of all goroutines, cut to Most bytes. Meanwhile the whole program stops,
// for about 10 µs per goroutine. So a caller must limit how often it calls All.
func All() string {
	for size := 64 << 10; ; size *= 4 {
		b := make([]byte, min(size, Most))
		if n := runtime.Stack(b, true); n < len(b) || size >= Most {
			return string(b[:n])
		}
	}
}

// Loop returns the stack of the goroutine that runs the *reactor.Reactor at address r. If the
// Reactor runs a Task at that moment, the stack of the Task is in front. If no goroutine is in a
// turn of the Reactor, Loop returns "".
func Loop(all string, r uintptr) string {
	loop := find(all, "reactor.(*Reactor).turn", r)
	_, call, ok := strings.Cut(loop, "reactor.(*Reactor).step(")
	if !ok {
		return loop
	}
	args, _, _ := strings.Cut(call, ")") // the addresses of the loop and the Task
	_, arg, _ := strings.Cut(args, ", ")
	t, err := strconv.ParseUint(strings.TrimSuffix(arg, "?"), 0, 64)
	if task := Task(all, uintptr(t)); err == nil && task != "" {
		return task + "\n\n" + loop
	}
	return loop
}

// Task returns the stack of the *reactor.Task at address t, or "" if the Task has not begun or has
// ended.
func Task(all string, t uintptr) string { return find(all, "reactor.(*Task).run", t) }

// find returns the stack in which the function was called with this receiver.
func find(all, function string, receiver uintptr) string {
	frame := fmt.Sprintf("%s(%#x", function, receiver)
	for rest := all; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, "\n\n")
		i := strings.Index(one, frame)
		if i < 0 {
			continue
		}
		// The runtime writes a question mark behind an argument whose value may be out of date.
		if next := one[i+len(frame):]; next != "" && strings.IndexByte(",)?", next[0]) >= 0 {
			return strings.TrimRight(one, "\n")
		}
	}
	return ""
}
