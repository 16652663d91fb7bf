package sel

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
)

// A layerPoller is an SSLStream as an Object. As in MicroPython, a poll of it asks the stream below
// for the readiness that TLS waits for.
type layerPoller struct {
	layer  inside.Layer
	stream Object
}

// layerOf returns an error if nothing can poll the stream below s.
func layerOf(s *socket.SSLStream) (layerPoller, error) {
	l := inside.Under(s)
	under, err := entryOf(l.Stream(), 0)
	switch {
	case err != nil:
		return layerPoller{}, err
	case under.custom != nil:
		return layerPoller{l, under.custom}, nil
	}
	return layerPoller{l, descPoller{under.d}}, nil // an FD is not a stream, so under has a Desc
}

func (p layerPoller) Poll(mask Events) (Events, error) {
	ask, has, e := p.layer.Ask(interestOf(mask))
	switch {
	case e != 0:
		return POLLNVAL, nil
	case has != 0 && mask == POLLIN:
		return POLLIN, nil
	}
	want := eventsOf(poller.Readiness(ask))
	ready, err := p.stream.Poll(want)
	if err != nil {
		return 0, err
	}
	if both := mask & (POLLIN | POLLOUT); want&(POLLIN|POLLOUT) != both && ready&want&(POLLIN|POLLOUT) != 0 {
		ready |= both // the next call makes the read or write that TLS waits for
	}
	return ready | eventsOf(has), nil
}

// A descPoller is a socket as an Object.
type descPoller struct{ d *desc.Desc }

func (p descPoller) Poll(mask Events) (ready Events, err error) {
	e := p.d.Use(func(fd int) kernel.Errno {
		r, e := p.d.Kernel.Ready(fd)
		ready = eventsOf(r) & (mask | unasked)
		return e
	})
	if e == kernel.EBADF {
		return POLLNVAL, nil
	}
	return ready, fail("poll", e)
}
