package hazard

import (
	"crypto/tls"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/internal/secure/forge"
)

// updatesInRow is the number of consecutive records without data that crypto/tls allows.
const updatesInRow = 16

// In the row besideKeyUpdates, each record of some clients makes the server create new keys and
// answer. The clients read these answers.
func besideKeyUpdates(t *Target) (string, error) {
	return t.beside(func(over *atomic.Bool) {
		c, err := t.raw()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		var secrets strings.Builder
		cfg := load.ClientTLS.Clone()
		cfg.KeyLogWriter = &secrets
		if err := tls.Client(c, cfg).Handshake(); err != nil {
			return
		}
		seal, err := forge.New(secrets.String(), false)
		if err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(t.span() + 2*time.Second))
		go io.Copy(io.Discard, c)
		for !over.Load() {
			var p []byte
			for len(p) < 16<<10 {
				for range updatesInRow {
					p = append(p, seal.KeyUpdate()...)
				}
				p = append(p, seal.Seal(forge.Application, []byte{0x80})...)
			}
			if _, err := c.Write(p); err != nil {
				return
			}
		}
	}, 4)
}
