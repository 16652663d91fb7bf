// Package timeout has the two types of waiting. A Timeout is how long a call may wait. A Deadline
// is the instant at which it gives up. The package never reads a clock: the present is an argument.
package timeout
