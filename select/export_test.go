package sel

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// NewBy is New for a test's own way of waiting.
func NewBy(k kernel.Kernel, w desc.Waiter) *Poll { return newPoll(k, w) }

// Desc returns the Poll's own descriptor.
func (p *Poll) Desc() *desc.Desc { return p.desc() }
