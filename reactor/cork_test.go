//go:build unix

package reactor

import "testing"

// A callback sends to many Conns. Only a few of them hold their output until the callback returns.
// The output of the others is already in the kernel by then. Each peer gets its bytes in order.
func TestABroadcastHoldsLittleOutput(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		const conns, size = 3 * corkConns, 100
		at := t.listen("tcp", acceptEcho)
		var peers []*peer
		for range conns {
			peers = append(peers, t.dial(at))
		}
		t.until(func() bool { return t.r.conns == conns })
		held, most := 0, 0
		message := make([]byte, size)
		t.r.After(0, func() {
			for i := range 3 {
				held = 0
				for c := range t.r.Conns() {
					message[0] = byte('a' + i)
					if err := c.Send(message); err != nil {
						t.Error(err)
					}
				}
				for c := range t.r.Conns() {
					held += c.Buffered()
				}
				most = max(most, held)
			}
		})
		for _, p := range peers {
			for i := range 3 {
				if got := p.read(size); len(got) != size || got[0] != byte('a'+i) {
					t.Fatalf("message %d is %.20q", i, got)
				}
			}
		}
		if most > 3*corkConns*size {
			t.Errorf("%d bytes wait, and %d Conns may have %d", most, corkConns, 3*corkConns*size)
		}
		for _, p := range peers {
			p.close()
		}
	})
}
