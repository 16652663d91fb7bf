// Package loglimit limits how much a peer can make a program log. One kind of event writes at most
// Lines lines in a second, and at most one stack.
package loglimit
