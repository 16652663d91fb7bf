// Command pieces measures and draws the cost of frames that arrive in pieces: the CPU time for 1
// MiB of frames over the size of the pieces. The work of package frame is linear. So a line falls
// until the cost of the pieces is small beside the cost of the bytes. For comparison there is a
// handler that appends each piece and parses from the start.
//
//	go -C bench run ./pieces -plot ../doc/plots/frame-pieces.svg
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/frame"
	"github.com/ureactor/ureactor/internal/desc"
)

const total = 1 << 20 // the size of all frames in bytes

// A reader consumes the frames that are complete, and returns their number.
type reader func(piece []byte) (frames int)

// framed returns a reader that uses a Reader of package frame on an inbound buffer.
func framed(f *frame.Format) reader {
	var in desc.Inbound
	in.Init("pieces", f.MaxSize(), &desc.InputPool{})
	r := f.Reader()
	return func(piece []byte) (n int) {
		in.Show(piece)
		for ; ; n++ {
			if _, err := r.Next(&in); err != nil {
				in.Settle()
				return n
			}
		}
	}
}

// appended returns a reader that appends each piece and searches from the start.
func appended(end []byte) reader {
	var rest []byte
	return func(piece []byte) (n int) {
		rest = append(rest, piece...)
		for ; ; n++ {
			i := bytes.Index(rest, end)
			if i < 0 {
				return n
			}
			rest = append(rest[:0], rest[i+len(end):]...)
		}
	}
}

// A series is one line of the plot.
type series struct {
	name string
	f    *frame.Format
	size int // the size of a frame's payload in bytes
	old  bool
}

func main() {
	file := flag.String("plot", "", "file for the plot, .svg or .png")
	flag.Parse()
	p := plot.New()
	p.Title.Text = "1 MiB of frames in pieces: CPU, ms"
	p.X.Label.Text, p.X.Scale, p.X.Tick.Marker = "size of a piece, bytes", plot.LogScale{}, plot.LogTicks{}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{}
	p.Legend.Top = true
	for i, s := range []series{
		{"length, frames of 1 KB", frame.Length(4, binary.BigEndian, 1000), 1000, false},
		{"lines of 1 KB", frame.Lines(1000), 1000, false},
		{"one line of 1 MB", frame.Lines(total), total - 1, false},
		{"one line of 64 KB, searched from the start", frame.Lines(total), 1<<16 - 1, true},
	} {
		line, points, err := plotter.NewLinePoints(measure(s))
		if err != nil {
			log.Fatal(err)
		}
		line.Color, points.Color = plotutil.Color(i), plotutil.Color(i)
		p.Add(line, points)
		p.Legend.Add(s.name, line)
	}
	p.Y.Min = math.Max(p.Y.Min, 0.01)
	if *file == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(*file), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := p.Save(7*vg.Inch, 4*vg.Inch, *file); err != nil {
		log.Fatal(err)
	}
}

// measure prints and returns the cost for each size of the pieces. It takes the least of three
// runs.
func measure(s series) (xy plotter.XYs) {
	payload := bytes.Repeat([]byte("x"), s.size)
	var wire []byte
	for len(wire)+s.size <= total {
		var err error
		if wire, err = s.f.Append(wire, payload); err != nil {
			log.Fatal(err)
		}
	}
	for piece := 1; piece <= 1<<16; piece *= 4 {
		best := time.Duration(math.MaxInt64)
		for range 3 {
			best = min(best, once(s, wire, piece))
		}
		ms := float64(best.Nanoseconds()) / 1e6
		fmt.Printf("%-45s pieces of %6d bytes: %9.3f ms\n", s.name, piece, ms)
		xy = append(xy, plotter.XY{X: float64(piece), Y: ms})
	}
	return xy
}

// once reads the frames, and returns the CPU time for this.
func once(s series, wire []byte, piece int) time.Duration {
	read := framed(s.f)
	if s.old {
		read = appended(s.f.Tail())
	}
	before := cpu()
	got := 0
	for p := wire; len(p) > 0; {
		k := min(piece, len(p))
		got += read(p[:k])
		p = p[k:]
	}
	took := cpu() - before
	if want := len(wire) / (s.size + len(s.f.Tail()) + headSize(s.f)); got != want {
		log.Fatalf("%s: %d frames, want %d", s.name, got, want)
	}
	return took
}

func headSize(f *frame.Format) int {
	head, err := f.AppendHead(nil, 1)
	if err != nil {
		log.Fatal(err)
	}
	return len(head)
}

func cpu() time.Duration {
	d, err := proc.CPU(os.Getpid())
	if err != nil {
		log.Fatal(err)
	}
	return d
}
