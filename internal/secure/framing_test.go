package secure

import (
	"math/rand/v2"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest"
)

// A stream of records is counted in the same way in pieces of any size as byte by byte. A record
// may be empty, and a piece may end anywhere.
func TestFramingInPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var stream []byte
		records := 1 + random.IntN(5)
		for range records {
			size := random.IntN(3) * random.IntN(700)
			stream = append(stream, 23, 3, 3, byte(size>>8), byte(size))
			for range size {
				stream = append(stream, byte(random.Uint32()))
			}
		}
		var pieces, bytes framing
		done := 0
		for rest := stream; len(rest) > 0; {
			piece := rest[:1+random.IntN(min(len(rest), 900))]
			limit := 1 + random.IntN(3)
			n, completed := pieces.advance(piece, limit)
			one := 0
			for i := range n {
				if one == limit {
					t.Fatalf("it went on after %d records", limit)
				}
				one += bytes.add(piece[i : i+1])
			}
			if completed != one || n < len(piece) && completed != limit || pieces.left != bytes.left || pieces.header != bytes.header {
				t.Fatalf("%d records in %d of %d bytes, limit %d, %+v; byte by byte %d, %+v", completed, n, len(piece), limit, pieces, one, bytes)
			}
			rest = rest[n:]
			done += completed
		}
		if done != records {
			t.Fatalf("%d of %d records", done, records)
		}
	}
}
