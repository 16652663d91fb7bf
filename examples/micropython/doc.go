//go:build unix

// Command micropython is the MicroPython script lines.py, translated to Go line by line. The Python
// line is above each Go statement. The Go program has more code only where an exception would end
// the script.
//
//	go run ./examples/micropython 8266        # elsewhere: nc 127.0.0.1 8266
//	micropython examples/micropython/lines.py 8266
package main
