//go:build cgo

package main

import (
	"errors"
	"syscall"
)

// This file contains everything that the exported C functions (exports*.go) need from an
// implementation. adapter.go sets impl to the packages of this module. To test another
// implementation, write an adapter for these interfaces.

// Addr is an address as Python shows it: host, port, and for IPv6 also flow info and scope (N ==
// 4).
type Addr struct {
	Host        string
	Port        int
	Flow, Scope int
	N           int // number of items in the tuple: 2 or 4
}

// GAI is an error of getaddrinfo. Its value is negative and becomes args[0] of the OSError.
type GAI int

func (e GAI) Error() string { return "getaddrinfo error" }

// TLSError is an error of TLS: the number of mbedtls, which becomes args[0] of the OSError. SSLText
// returns the text for args[1].
type TLSError int

func (e TLSError) Error() string { return "error of TLS" }

// Refused is a ValueError about a peer's certificate. Its value is a set of mbedtls's verification
// flags. SSLText returns the text of the error.
type Refused int

func (e Refused) Error() string { return "refused certificate" }

// BadValue is a ValueError with a text.
type BadValue string

func (e BadValue) Error() string { return string(e) }

// These errors become exceptions other than OSError. A syscall.Errno becomes an OSError.
var (
	ErrValue          = errors.New("ValueError")
	ErrType           = errors.New("TypeError")
	ErrNotImplemented = errors.New("NotImplementedError")
	ErrCallback       = errors.New("exception in a Python callback")
)

// ErrNone is the result None of a stream method: no data can be moved now.
var ErrNone = errors.New("None")

var _ error = syscall.Errno(0)

type AddrInfo struct {
	Family, Type, Proto int
	Canon               string
	Addr                Addr
}

type Impl interface {
	Const(name string) (int, bool)
	InetPton(af int, text string) ([]byte, error)
	InetNtop(af int, b []byte) (string, error)
	GetAddrInfo(host, port string, af, typ, proto, flags int) ([]AddrInfo, error)
	NewSock(af, typ, proto int) (Sock, error)
	NewPoll() Poll
	// Select waits at most timeout seconds, or without limit if forever is set.
	Select(r, w, x []Pollable, timeout float64, forever bool) (rr, rw, rx []Pollable, err error)
}

type Sock interface {
	Fileno() int
	Close() error
	Bind(Addr) error
	Listen(backlog int, given bool) error
	Accept() (Sock, *Addr, error)
	Connect(Addr) error
	Send([]byte) (int, error)
	SendAll([]byte) error
	SendTo([]byte, Addr) (int, error)
	Recv(bufsize, flags int) ([]byte, error)
	RecvFrom(bufsize, flags int) ([]byte, *Addr, error)
	SetOptInt(level, opt, value int) error
	SetOptBytes(level, opt int, value []byte) error
	SetCallback(level, opt int, f func()) error // a nil f removes the callback
	SetTimeout(seconds float64, none bool) error
	SetBlocking(bool) error
	MakeFile(mode string, buffering int) error // nil: the socket itself is the file
	Read(size int, given bool) ([]byte, error)
	ReadInto([]byte) (int, error)
	ReadLine(max int) ([]byte, error) // max -1 means no limit
	Write([]byte) (int, error)
}

// Pollable is a Sock, an *Object or an FD.
type Pollable interface{}

// Object is a Python object with an ioctl method. Two pointers are equal if they belong to the same
// Python object.
type Object struct{ Key int64 }

// Ioctl calls the Python method. A negative result -e is returned as syscall.Errno(e).
func (o *Object) Ioctl(op, arg int) (int, error) {
	r := callIoctl(o.Key, int64(op), int64(arg))
	if r == -30020 {
		return 0, ErrCallback
	}
	if r < 0 {
		return 0, syscall.Errno(-r)
	}
	return int(r), nil
}

// FD is a descriptor number.
type FD int

type Event struct {
	Obj    Pollable
	Events int
}

type Poll interface {
	Register(p Pollable, mask int) error
	Modify(p Pollable, mask int) error
	Unregister(p Pollable) error
	Poll(ms int) ([]Event, error) // ms -1 means without limit
	IPoll(ms, flags int) error
	Next() (Event, bool)
}

var impl Impl
