package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
)

// bind makes a socket at the address, listening if it is a stream. Its errors read like the reactor's.
func (a address) bind(make maker) (*socket.Socket, error) {
	c, err := a.open(make)
	var e *socket.OSError
	if errors.As(err, &e) && e.Errno > 0 {
		err = fmt.Errorf("%s: %w", e.Op, kernel.Errno(e.Errno))
	}
	if err != nil {
		return nil, fmt.Errorf("listen %s %s: %w", a.network, a.addr, err)
	}
	return c, nil
}

// A maker is socket.New, or its like for a loop.
type maker func(family, typ, proto int) (*socket.Socket, error)

func on(r *reactor.Reactor) maker {
	return func(family, typ, proto int) (*socket.Socket, error) { return socket.NewOn(r, family, typ, proto) }
}

func (a address) open(make maker) (*socket.Socket, error) {
	at, dual, err := a.endpoint()
	if err != nil {
		return nil, err
	}
	c, err := make(at.Family(), a.typ(), 0)
	if errors.Is(err, kernel.EAFNOSUPPORT) && dual { // a host without IPv6
		at, dual = socket.Tuple("0.0.0.0", at.Port()), false
		c, err = make(at.Family(), a.typ(), 0)
	}
	if err != nil {
		return nil, err
	}
	err = a.options(c, dual)
	if err == nil {
		err = c.Bind(at)
	}
	if err == nil && a.stream() {
		if err = c.Listen(backlog); err != nil && at.Family() == socket.AF_UNIX {
			_ = os.Remove(a.addr)
		}
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

const backlog = 4096

func (a address) typ() int {
	if a.stream() {
		return socket.SOCK_STREAM
	}
	return socket.SOCK_DGRAM
}

func (a address) options(c *socket.Socket, dual bool) error {
	if c.Family() == socket.AF_INET6 {
		if err := c.SetSockOpt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, !dual); err != nil {
			return err
		}
	}
	if c.Family() == socket.AF_UNIX || !a.stream() {
		return nil
	}
	return c.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true)
}

// endpoint is the address to bind to. dual asks for an IPv6 socket that takes IPv4 too.
func (a address) endpoint() (at socket.Addr, dual bool, err error) {
	if strings.HasPrefix(a.network, "unix") {
		return socket.Path(a.addr), false, nil
	}
	host, port, err := net.SplitHostPort(a.addr)
	if err != nil {
		return at, false, err
	}
	af := map[byte]int{'4': socket.AF_INET, '6': socket.AF_INET6}[a.network[len(a.network)-1]]
	if host == "" {
		host = map[bool]string{true: "0.0.0.0", false: "::"}[af == socket.AF_INET]
	}
	list, err := socket.GetAddrInfo(host, port, af, a.typ(), 0, socket.AI_PASSIVE)
	var e *socket.OSError
	if errors.As(err, &e) && e.Errno == socket.EAI_ADDRFAMILY {
		err = fmt.Errorf("address %s is not for %s", host, a.network)
	}
	if err != nil {
		return at, false, err
	}
	at = list[0].Addr
	for _, i := range list { // IPv4 first, as package net listens
		if i.Family == socket.AF_INET {
			at = i.Addr
			break
		}
	}
	return at, af == 0 && at.Family() == socket.AF_INET6 && at.AddrPort().Addr().IsUnspecified(), nil
}
