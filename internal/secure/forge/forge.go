package forge

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

// The content types of records.
const (
	Alert       = 21
	Handshake   = 22
	Application = 23
)

// A Sealer seals the output of one side of a connection. The side has made its handshake with
// crypto/tls, and has not sent anything since. A Sealer supports only TLS_AES_128_GCM_SHA256.
type Sealer struct {
	secret []byte
	seq    uint64
}

// New finds the secret of the client or of the server in the text that crypto/tls has written to a
// KeyLogWriter.
func New(log string, server bool) (*Sealer, error) {
	label := "CLIENT_TRAFFIC_SECRET_0"
	if server {
		label = "SERVER_TRAFFIC_SECRET_0"
	}
	for line := range strings.Lines(log) {
		if f := strings.Fields(line); f[0] == label {
			secret, err := hex.DecodeString(f[2])
			return &Sealer{secret: secret}, err
		}
	}
	return nil, errors.New("forge: no " + label + " in the key log")
}

func (s *Sealer) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := append(binary.BigEndian.AppendUint16(nil, uint16(n)), byte(len(label)))
	out, err := hkdf.Expand(sha256.New, s.secret, string(info)+label+"\x00", n)
	if err != nil {
		panic(err)
	}
	return out
}

// Seal makes a record of the given content type.
func (s *Sealer) Seal(typ byte, content []byte) []byte {
	block, err := aes.NewCipher(s.expand("key", 16))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	nonce := s.expand("iv", 12)
	for i, b := range binary.BigEndian.AppendUint64(nil, s.seq) {
		nonce[4+i] ^= b
	}
	s.seq++
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(content)+1+gcm.Overhead()))
	return gcm.Seal(header, nonce, append(bytes.Clone(content), typ), header)
}

// KeyUpdate returns a record that requests an answer. The Sealer continues with new keys.
func (s *Sealer) KeyUpdate() []byte {
	r := s.Seal(Handshake, []byte{24, 0, 0, 1, 1})
	s.secret, s.seq = s.expand("traffic upd", 32), 0
	return r
}

// CloseNotify returns the record that ends the stream.
func (s *Sealer) CloseNotify() []byte { return s.Seal(Alert, []byte{1, 0}) }
