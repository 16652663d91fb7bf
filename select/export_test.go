package sel

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// NewBy is New with a Waiter that the test chooses.
func NewBy(k kernel.Kernel, w desc.Waiter) *Poll { return newPoll(k, w) }

// Desc returns the Poll's own Desc.
func (p *Poll) Desc() *desc.Desc { return p.desc() }
