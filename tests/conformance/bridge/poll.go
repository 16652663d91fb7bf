//go:build cgo

package main

import (
	"iter"

	sel "github.com/ureactor/ureactor/select"
)

// A poll keeps the position in the result of its last IPoll.
type poll struct {
	p    *sel.Poll
	walk iter.Seq2[sel.Pollable, sel.Events]
}

// Package sel calls Poll to ask a Python object for its events.
func (o *Object) Poll(mask sel.Events) (sel.Events, error) {
	r, err := o.Ioctl(3, int(mask))
	return sel.Events(r), err
}

func goPollable(p Pollable) sel.Pollable {
	if fd, ok := p.(FD); ok {
		return sel.FD(fd)
	}
	return p
}

func pythonPollable(p sel.Pollable) Pollable {
	if fd, ok := p.(sel.FD); ok {
		return FD(fd)
	}
	return p
}

func goPollables(list []Pollable) (r []sel.Pollable) {
	for _, p := range list {
		r = append(r, goPollable(p))
	}
	return r
}

func pythonPollables(list []sel.Pollable) (r []Pollable) {
	for _, p := range list {
		r = append(r, pythonPollable(p))
	}
	return r
}

func (p *poll) Register(obj Pollable, mask int) error {
	return pythonError(p.p.Register(goPollable(obj), sel.Events(mask)))
}

func (p *poll) Modify(obj Pollable, mask int) error {
	return pythonError(p.p.Modify(goPollable(obj), sel.Events(mask)))
}

func (p *poll) Unregister(obj Pollable) error { return pythonError(p.p.Unregister(goPollable(obj))) }

func (p *poll) Poll(ms int) ([]Event, error) {
	found, err := p.p.Poll(ms)
	var list []Event
	for _, ev := range found {
		list = append(list, Event{pythonPollable(ev.Obj), int(ev.Events)})
	}
	return list, pythonError(err)
}

func (p *poll) IPoll(ms, flags int) (err error) {
	p.walk, err = p.p.IPoll(ms, flags)
	return pythonError(err)
}

// Next returns the next event of the last IPoll.
func (p *poll) Next() (Event, bool) {
	if p.walk == nil {
		return Event{}, false
	}
	for obj, ev := range p.walk {
		return Event{pythonPollable(obj), int(ev)}, true
	}
	return Event{}, false
}
