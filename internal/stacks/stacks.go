package stacks

import (
	"fmt"
	"runtime"
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
	loop := find(all, func(stack string) bool { return has(stack, "reactor.(*Reactor).turn", 0, r) })
	if !strings.Contains(loop, "reactor.(*Reactor).step(") {
		return loop
	}
	task := find(all, func(stack string) bool {
		return has(stack, "reactor.(*Task).run", 1, r) && !suspended(stack)
	})
	if task != "" {
		return task + "\n\n" + loop
	}
	return loop
}

// suspended returns whether the Task with this stack waits. It does not look at the state of the
// goroutine, because a Task that runs may wait for a coroutine of its own.
func suspended(stack string) bool {
	return strings.Contains(stack, "reactor.(*Task).away(") || strings.Contains(stack, "reactor.(*Task).leave(")
}

// Task returns the stack of the *reactor.Task at address t, or "" if the Task has not begun or has
// ended.
func Task(all string, t uintptr) string {
	return find(all, func(stack string) bool { return has(stack, "reactor.(*Task).run", 0, t) })
}

// find returns the first stack for which is returns true.
func find(all string, is func(stack string) bool) string {
	for stack := range strings.SplitSeq(all, "\n\n") {
		if is(stack) {
			return strings.TrimRight(stack, "\n")
		}
	}
	return ""
}

// has returns whether the stack has a call of the function with this value as argument i. The
// receiver is argument 0.
func has(stack, function string, i int, value uintptr) bool {
	_, call, _ := strings.Cut(stack, function+"(")
	list, _, _ := strings.Cut(call, ")")
	args := strings.Split(list, ", ")
	// The runtime writes a question mark behind an argument whose value may be out of date.
	return i < len(args) && strings.TrimSuffix(args[i], "?") == fmt.Sprintf("%#x", value)
}
