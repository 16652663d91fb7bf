package api

import "fmt"

// stages are the parts of a turn in their order, as in the method turn of package reactor.
var stages = []struct{ name, note string }{
	{"Sleep in the Poller", "until an Event, the earliest timer, or a Post"},
	{"Read the clock", "once, if there are timers"},
	{"Events", "stale ones are skipped"},
	{"Reads", "of Conns that the turn before left"},
	{"Timers", "that are due"},
	{"Dials", "first connects"},
	{"Posts", "functions passed to Post"},
	{"Tasks", "that were woken"},
	{"Drain", "if it has begun"},
	{"Publish", "the counts for Stats"},
}

// The stages from firstStep to lastStep call user code. Each call is in a step.
const firstStep, lastStep = 2, 7

func drawTurn() string {
	const x, width, high, gap, top = 64, 330, 42, 16, 20
	at := func(i int) int { return top + i*(high+gap) }
	n := len(stages)
	s := newSVG(760, at(n)+4, "A turn of the loop: ten stages in order, then the next turn. Each call of user code is a step.")
	for i, stage := range stages {
		s.box(x, at(i), width, high, stageLook(i), stage.name, stage.note)
		if i > 0 {
			s.arrow(fmt.Sprintf("M %d,%d V %d", x+width/2, at(i)-gap, at(i)))
		}
	}
	s.arrow(fmt.Sprintf("M %d,%d H 28 V %d H %d", x, at(n-1)+high/2, at(0)+high/2, x))
	fmt.Fprintf(s, `<g transform="translate(22 %d) rotate(-90)">`, (at(0)+at(n-1)+high)/2)
	s.text(0, 0, "middle", "note", "the next turn")
	s.WriteString("</g>\n")

	// The bracket joins two parts of the picture: the stages that call user code, and the drawing
	// of a step.
	right, from, to := x+width+10, at(firstStep), at(lastStep)+high
	middle := (from + to) / 2
	s.line(fmt.Sprintf("M %d,%d H %d V %d H %d", right, from, right+12, to, right))
	s.arrow(fmt.Sprintf("M %d,%d H %d", right+12, middle, right+42))
	const stepWidth = 270
	left := right + 44
	y := middle - 3*high/2 - gap
	s.text(left+stepWidth/2, y-32, "middle", "name", "a step")
	s.text(left+stepWidth/2, y-14, "middle", "note", "for each Event, timer, Post or task")
	for i, part := range []struct{ name, note string }{
		{"Call", "the callback, the function, or the task"},
		{"Flush", "what it sent, in one system call"},
		{"Closed", "of Conns that have closed"},
	} {
		s.box(left, y+i*(high+gap), stepWidth, high, inStep, part.name, part.note)
		if i > 0 {
			s.arrow(fmt.Sprintf("M %d,%d V %d", left+stepWidth/2, y+i*(high+gap)-gap, y+i*(high+gap)))
		}
	}
	s.text(left+stepWidth/2, y+3*(high+gap)+4, "middle", "note", "Each list has a budget. What is left")
	s.text(left+stepWidth/2, y+3*(high+gap)+22, "middle", "note", "waits for the next turn, without a sleep.")
	return s.end()
}

func stageLook(i int) look {
	if i < firstStep || i > lastStep {
		return internal
	}
	return stage
}
