package serve

import (
	"encoding/binary"

	"github.com/ureactor/ureactor/frame"
)

// Frames is the format of the protocol frame: a length of four bytes, and up to 64 KiB.
var Frames = frame.Length(4, binary.BigEndian, 64<<10)
