package secure

import "testing"

// After the handshake of each version the addresses of both ciphers are known. Otherwise this
// version of Go has other names in crypto/tls, and findCiphers needs them.
func TestCiphersAreFound(t *testing.T) {
	for seed, version := range []string{"TLS 1.2", "TLS 1.3"} {
		p := newPair(t, selfSigned(t), uint64(seed))
		for p.step = 0; p.step < 1000 && !(p.sides[0].handshakeDone.Load() && p.sides[1].handshakeDone.Load()); p.step++ {
			p.random()
		}
		for _, s := range p.sides {
			in, out := s.session.ciphers[0], s.session.ciphers[1]
			if in.nonce == 0 || in.aead == 0 || out.nonce == 0 || out.aead == 0 || in.aead == out.aead {
				t.Errorf("%s, %s: input %#x, output %#x", version, s.name, in, out)
			}
			s.desc.Close()
		}
	}
}
