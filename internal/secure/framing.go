package secure

const headerLen = 5 // type, version, length

// A framing counts the TLS records in a stream of bytes, because crypto/tls does not report how
// many records it has read.
type framing struct {
	header int // how many bytes of the current header have arrived
	size   int // the last two bytes of the current header
	left   int // bytes of the current payload that have not arrived
}

// add continues with the bytes of p, and returns how many records they complete.
func (f *framing) add(p []byte) (completed int) {
	if f.left|f.header == 0 && len(p) >= headerLen && len(p) == headerLen+lengthOf(p) {
		return 1 // usually p is one record
	}
	_, completed = f.advance(p, len(p))
	return completed
}

// lengthOf returns the length of the payload of a record. p begins with the header.
func lengthOf(p []byte) int { return int(p[headerLen-2])<<8 | int(p[headerLen-1]) }

// advance continues with the bytes of p until limit records are complete. It returns how many bytes
// it has used, and how many records they complete.
func (f *framing) advance(p []byte, limit int) (n, completed int) {
	for n < len(p) && completed < limit {
		if f.left > 0 {
			part := min(f.left, len(p)-n)
			n += part
			if f.left -= part; f.left == 0 {
				completed++
			}
			continue
		}
		if f.header == 0 && len(p)-n >= headerLen { // the whole header at once
			f.left = lengthOf(p[n:])
			if n += headerLen; f.left == 0 {
				completed++
			}
			continue
		}
		f.size = f.size<<8&0xffff | int(p[n]) // the length is at the end of the header
		n++
		if f.header++; f.header == headerLen {
			if f.header, f.left = 0, f.size; f.left == 0 {
				completed++
			}
		}
	}
	return n, completed
}
