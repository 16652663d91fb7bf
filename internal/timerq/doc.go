// Package timerq sorts timers by their deadlines. It never reads a clock.
package timerq
