package poller

import (
	"math"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kevent"
	"github.com/ureactor/ureactor/timeout"
)

func TestInterestNamesEveryBit(t *testing.T) {
	for i, want := range map[Interest]string{
		0:               "none",
		In:              "in",
		In | Out | Edge: "in+out+edge",
		In | Pri:        "in+pri",
	} {
		if got := i.String(); got != want {
			t.Errorf("%d prints %q, want %q", uint8(i), got, want)
		}
	}
	for r, want := range map[Readiness]string{
		0:                          "none",
		In | Out | Err | Hup | End: "in+out+err+hup+end",
		Err | Hup:                  "err+hup",
	} {
		if got := r.String(); got != want {
			t.Errorf("%d prints %q, want %q", uint8(r), got, want)
		}
	}
}

func TestEpollAsksForWhatIsWanted(t *testing.T) {
	for want, bits := range map[Interest]uint32{
		0:               0,
		In:              epollIn,
		Out:             epollOut,
		In | Out:        epollIn | epollOut,
		In | Edge:       epollIn | epollET | epollEnd | epollPri,
		Out | Edge:      epollOut | epollET | epollEnd | epollPri,
		In | Out | Edge: epollIn | epollOut | epollET | epollEnd | epollPri,
		In | Pri:        epollIn | epollPri,
	} {
		if got := epollBits(want); got != bits {
			t.Errorf("for %v it asks %#x, want %#x", want, got, bits)
		}
	}
}

func TestEpollTellsEachBitInItsOwnMeaning(t *testing.T) {
	for bits, want := range map[uint32]Readiness{
		0:                                        0,
		epollIn:                                  In,
		epollOut:                                 Out,
		epollErr:                                 Err,
		epollHup:                                 Hup,
		epollIn | epollHup:                       In | Hup,
		epollOut | epollHup:                      Out | Hup,
		epollIn | epollOut | epollErr | epollHup: In | Out | Err | Hup,
		epollEnd | epollIn:                       In | End,
		epollPri | epollIn:                       In | End | Pri,
		0x400 | epollOut:                         Out,
	} {
		if got := epollReady(bits); got != want {
			t.Errorf("%#x is %v, want %v", bits, got, want)
		}
	}
}

// Each row is the report of one filter. The result must be that of the table at kqueueReady.
func TestKqueueFilterTellsItsOwnDirection(t *testing.T) {
	const errno = 104
	table := []struct {
		situation     string
		write         bool
		flags, fflags uint32
		want          Readiness
	}{
		{"data", false, kevent.Clear, 0, In},
		{"room to write", true, kevent.Clear, 0, Out},
		{"an ICMP error, reading", false, 0, errno, In},
		{"an ICMP error, writing", true, 0, errno, Out},
		{"FIN", false, kevent.EOF, 0, In | End},
		{"shutdown(WR)", true, kevent.EOF, 0, Out},
		{"RST, reading", false, kevent.EOF | kevent.Clear, errno, In | Err | Hup | End},
		{"RST, writing", true, kevent.EOF, errno, Out | Err | Hup},
		{"failed, reading", false, kevent.Error, 0, In | Err},
		{"failed, writing", true, kevent.Error, 0, Out | Err},
		{"failed at the end", true, kevent.Error | kevent.EOF, errno, Out | Err},
	}
	for _, row := range table {
		if got := kqueueDone(kqueueReady(row.write, row.flags, row.fflags)); got != row.want {
			t.Errorf("%s: %v, want %v", row.situation, got, row.want)
		}
	}
}

// Hup appears if both filters of a descriptor report the end of their direction in the same Wait.
func TestKqueueHupNeedsBothDirections(t *testing.T) {
	table := []struct {
		situation   string
		read, write [2]uint32
		want        Readiness
	}{
		{"data and room", [2]uint32{0, 0}, [2]uint32{0, 0}, In | Out},
		{"FIN and room", [2]uint32{kevent.EOF, 0}, [2]uint32{0, 0}, In | Out | End},
		{"data after shutdown(WR)", [2]uint32{0, 0}, [2]uint32{kevent.EOF, 0}, In | Out},
		{"FIN and shutdown(WR)", [2]uint32{kevent.EOF, 0}, [2]uint32{kevent.EOF, 0}, In | Out | Hup | End},
		{"RST", [2]uint32{kevent.EOF, 54}, [2]uint32{kevent.EOF, 54}, In | Out | Err | Hup | End},
		{"RST, its error taken", [2]uint32{kevent.EOF, 0}, [2]uint32{kevent.EOF, 0}, In | Out | Hup | End},
	}
	for _, row := range table {
		got := kqueueDone(kqueueReady(false, row.read[0], row.read[1]) | kqueueReady(true, row.write[0], row.write[1]))
		if got != row.want {
			t.Errorf("%s: %v, want %v", row.situation, got, row.want)
		}
	}
}

func TestKqueueClearsOnlyAtAnEdge(t *testing.T) {
	for want, flags := range map[Interest]int{
		In: kevent.Add, Out: kevent.Add, In | Edge: kevent.Add | kevent.Clear, In | Out | Edge: kevent.Add | kevent.Clear,
	} {
		if got := kqueueFlags(want); got != flags {
			t.Errorf("for %v it adds with %#x, want %#x", want, got, flags)
		}
	}
}

func TestMillisRoundsUpAndFits(t *testing.T) {
	const soon = timeout.Deadline(1)
	table := []struct {
		until timeout.Deadline
		left  time.Duration
		want  int
	}{
		{timeout.Never, math.MaxInt64, -1},
		{timeout.Never, 0, -1},
		{soon, 0, 0},
		{soon, 1, 1},
		{soon, time.Millisecond - 1, 1},
		{soon, time.Millisecond, 1},
		{soon, time.Millisecond + 1, 2},
		{soon, time.Hour, 3_600_000},
		{soon, math.MaxInt32 * time.Millisecond, math.MaxInt32},
		{soon, math.MaxInt32*time.Millisecond + 1, math.MaxInt32},
		{soon, math.MaxInt64, math.MaxInt32},
	}
	for _, row := range table {
		if got := millis(row.until, row.left); got != row.want {
			t.Errorf("millis(%d, %v) = %d, want %d", row.until, row.left, got, row.want)
		}
	}
}
