package live

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// A Kernel is a host of a live world of its own (sim.Live), for any number of goroutines. A world
// that fails panics at the next Close.
type Kernel struct {
	kernel.Kernel
	live *sim.Live
}

// New begins a world with one host.
func New(seed uint64, o sim.Options) *Kernel {
	w := sim.New(seed, o)
	h, l := w.Host("10.0.0.1"), w.Live()
	return &Kernel{l.Kernel(h), l}
}

// Close closes a descriptor.
func (k *Kernel) Close(fd int) (e kernel.Errno) {
	e = k.Kernel.Close(fd)
	k.live.Do(func(w *sim.World) {
		if w.Err() != nil {
			panic(w.Err())
		}
	})
	return e
}

// ReadsFully and Waiting are the host's: package kernel's functions of these names ask for them.
func (k *Kernel) ReadsFully() bool   { return kernel.ReadsFully(k.Kernel) }
func (k *Kernel) Waiting(fd int) int { return kernel.Waiting(k.Kernel, fd) }
