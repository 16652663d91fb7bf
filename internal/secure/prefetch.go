package secure

import (
	"reflect"
	"unsafe"

	"github.com/ureactor/ureactor/internal/prefetch"
)

// This is memory that crypto/tls needs after the recv. If many other connections were served since
// the last message, none of it is in the processor's cache.
const (
	stackLines  = 20 // the part of the stack that a decryption uses
	tlsLines    = 14 // most of a tls.Conn
	roundLines  = 3  // the keys of AES-128, at the beginning of a cipher
	tableOffset = 448
	tableLines  = 6 // GCM's table and counter
)

// prefetch is called just before the recv, which takes longer, if the loop has many descriptors.
// With few, everything is in the cache. A wrong address only costs time.
func (w *fdWire) prefetch() {
	var here byte // on the stack
	prefetch.Lines(uintptr(unsafe.Pointer(&here))-stackLines*prefetch.Line, stackLines)
	prefetch.Lines(w.user, 1)
	prefetch.Lines(uintptr(unsafe.Pointer(w.session.tls)), tlsLines)
	for _, c := range &w.session.ciphers {
		prefetch.Lines(c.nonce, 1)
		prefetch.Lines(c.aead, roundLines)
		prefetch.Lines(c.aead+tableOffset, tableLines)
	}
}

// A cipherHint has the addresses of the cipher of one direction, or zeros. It is right until new
// keys are agreed. Two objects make a cipher: the outer one adds the nonce.
type cipherHint struct{ nonce, aead uintptr }

// findCiphers sets the hints after the handshake. crypto/tls does not report where its ciphers are.
// So findCiphers looks into the tls.Conn. In a version of Go with other fields it finds nothing.
func (s *Session) findCiphers() {
	c := reflect.ValueOf(s.tls).Elem()
	for i, half := range []string{"in", "out"} {
		h := &s.ciphers[i]
		nonce := target(c.FieldByName(half), "cipher")
		h.nonce = addressOf(nonce)
		h.aead = addressOf(target(nonce, "aead"))
	}
}

// target returns what the pointer in the interface in the field of v points to. It returns the zero
// Value if there is no such thing.
func target(v reflect.Value, field string) reflect.Value {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	v = v.FieldByName(field)
	if v.Kind() != reflect.Interface || v.Elem().Kind() != reflect.Pointer {
		return reflect.Value{}
	}
	return v.Elem().Elem()
}

func addressOf(v reflect.Value) uintptr {
	if !v.CanAddr() {
		return 0
	}
	return v.UnsafeAddr()
}
