//go:build unix

package reactor

import "bytes"

// An xor Filter changes each byte.
type xor struct{ w *Wire }

func newXor(w *Wire) Filter { return &xor{w} }

func flip(p []byte) {
	for i := range p {
		p[i] ^= 0x55
	}
}

func (f *xor) Open()      { f.w.Ready() }
func (f *xor) Finish()    {}
func (f *xor) Closed()    {}
func (f *xor) EOF()       { f.w.EOF() }
func (f *xor) More() bool { return false }
func (f *xor) Output(p []byte) error {
	p = bytes.Clone(p)
	flip(p)
	f.w.Send(p)
	return nil
}
func (f *xor) Input(p []byte) {
	for len(p) > 0 { // several Deliveries in one step, as records of TLS
		room := f.w.Scratch()
		k := copy(room[:100], p)
		flip(room[:k])
		f.w.Deliver(room[:k])
		p = p[k:]
	}
}
