package reactor

import (
	"context"
	"errors"
	"fmt"

	"github.com/ureactor/ureactor/internal/netaddr"
)

// resolve parses the address. It looks up the name of a service at once. If the host needs no
// lookup, resolve stores the addresses to try. Otherwise the caller must call Ask on the returned
// query.
func (d *dialing) resolve(k Kernel) (*netaddr.Query, error) {
	q, err := d.net.Parse(d.addr)
	if err != nil {
		return nil, explained(d.net, err)
	}
	err = q.AskPort(context.Background(), k)
	if err == nil && !q.Asks() {
		err = d.found(k, q)
	}
	return q, err
}

// found stores the addresses to try, after all lookups of the query.
func (d *dialing) found(k Kernel, q *netaddr.Query) error {
	list, err := q.Targets(k)
	if err == nil && d.local.Family != 0 && !d.net.Unix() && !d.local.IsUnspecified() {
		if list = netaddr.OfFamily(list, d.local.Family); len(list) == 0 {
			return fmt.Errorf("WithLocalAddr(%v): the host has no address of this family", d.local)
		}
	}
	d.order = netaddr.NewOrder(list, d.delay)
	return explained(d.net, err)
}

// from stores the address of WithLocalAddr.
func (d *dialing) from(k Kernel, local string) error {
	if local == "" {
		return nil
	}
	q, err := d.net.Parse(local)
	if err == nil && q.Asks() {
		err = errors.New("must be an IP address with a port")
	}
	var b netaddr.Binding
	if err == nil {
		b, err = q.Binding(k)
	}
	if err != nil {
		return fmt.Errorf("WithLocalAddr(%q): %w", local, explained(d.net, err))
	}
	d.local = b.Given.Addr
	return nil
}
