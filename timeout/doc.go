// Package timeout has the two types that bound a wait. A Timeout is how long a call may wait. A
// Deadline is the instant at which the call gives up. The package never reads a clock: its
// functions get the present time as an argument.
package timeout
