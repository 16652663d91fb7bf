package secure

const headerLen = 5 // type, version, length

// A framing follows the records in a stream of bytes: crypto/tls does not tell what it still has.
type framing struct {
	header int // how much of the next header there was
	size   int // as far as the header tells
	left   int // of the present record's payload
}

// add goes on with p and tells how many records it has completed.
func (f *framing) add(p []byte) (whole int) {
	_, whole = f.upto(p, len(p))
	return whole
}

// upto goes on with p until most records are complete. It returns how many bytes that took and how
// many it has completed.
func (f *framing) upto(p []byte, most int) (taken, whole int) {
	for taken < len(p) && whole < most {
		if f.left > 0 {
			n := min(f.left, len(p)-taken)
			taken += n
			if f.left -= n; f.left == 0 {
				whole++
			}
			continue
		}
		f.size = f.size<<8&0xffff | int(p[taken]) // the last two count
		taken++
		if f.header++; f.header == headerLen {
			if f.header, f.left = 0, f.size; f.left == 0 {
				whole++
			}
		}
	}
	return taken, whole
}
