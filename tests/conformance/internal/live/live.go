package live

import (
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// A Kernel is a host in its own simulated world (sim.Live). Any number of goroutines may use it. If
// the world fails, the next Close panics.
type Kernel struct {
	kernel.Kernel
	live *sim.Live
}

// New starts a world with one host.
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

// Functions of package kernel with the names ReadsFully and Waiting look for these methods. The
// methods pass the question on to the host.
func (k *Kernel) ReadsFully() bool   { return kernel.ReadsFully(k.Kernel) }
func (k *Kernel) Waiting(fd int) int { return kernel.Waiting(k.Kernel, fd) }
