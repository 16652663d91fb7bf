package secure

import (
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/secure/forge"
)

// If decrypt returns drained, no data and no end of input is left for a Read. So the next Read may
// sleep until an Event. The test cuts records of every kind into pieces of every size. After each
// drained, it calls decrypt once more, and decrypt must find nothing.
func TestAllIsAll(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	for seed := range longtest.Seeds(t, 300, 300, 3000) {
		r := rand.New(rand.NewPCG(seed, 0))
		version := []uint16{tls.VersionTLS12, tls.VersionTLS13}[seed%2]
		s := newSceneOf(t, version)
		if version == tls.VersionTLS13 {
			s.k.in.Write(medley(s.client, r))
		} else {
			for range r.IntN(4) {
				s.other.Write(&desc.Call{}, make([]byte, 1+r.IntN(2000)))
			}
			s.other.CloseWrite(&desc.Call{})
		}
		k := &pieces{end: s.k, most: 1 + r.IntN(1000), r: r}
		s.k.in, k.all = new(bytes.Buffer), s.k.in
		s.Conn.kernel = k
		room := make([]byte, 1+r.IntN(3000))
		for alls := 0; ; {
			n, all, err := s.decrypt(&desc.Call{}, room)
			if all {
				alls++
				k.dry = true
				if n, _, err := s.decrypt(&desc.Call{}, room); n != 0 || err != ErrAgain {
					t.Errorf("seed %d, %s: all was taken, and then %d bytes, %v", seed, tls.VersionName(version), n, err)
				}
				k.dry = false
			}
			if n == 0 && err != nil && err != ErrAgain {
				if err != io.EOF {
					t.Fatal(seed, err)
				}
				break
			}
		}
		s.desc.Close()
	}
}

// medley returns records of every kind. close_notify is the last one.
func medley(s *forge.Sealer, r *rand.Rand) (all []byte) {
	for range r.IntN(8) {
		switch r.IntN(6) {
		case 0:
			all = append(all, s.KeyUpdate()...)
		case 1:
			all = append(all, s.Seal(forge.Alert, []byte{1, 90})...) // user_canceled
		case 2:
			all = append(all, s.Seal(forge.Application, nil)...)
		default:
			all = append(all, s.Seal(forge.Application, make([]byte, 1+r.IntN(2000)))...)
		}
	}
	return append(all, s.CloseNotify()...)
}

// pieces is a kernel that returns the input in pieces, as if each piece had arrived only after the
// one before was read.
type pieces struct {
	*end
	all  *bytes.Buffer
	most int
	r    *rand.Rand
	dry  bool
}

func (k *pieces) Recv(_ int, p []byte, _ int) (int, kernel.Errno) {
	if k.dry {
		return 0, kernel.EAGAIN
	}
	n, _ := k.all.Read(p[:min(len(p), 1+k.r.IntN(k.most))])
	if n == 0 {
		return 0, kernel.EAGAIN
	}
	return n, 0
}
