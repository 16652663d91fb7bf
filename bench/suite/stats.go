package suite

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Reading is the result of one slice of one server.
type Reading struct {
	Scenario string
	Server   string
	Seq      int // its position among the scenario's slices
	Messages int64
	Took     time.Duration
	CPU      time.Duration // of the server process
	Bytes    float64       `json:",omitempty"` // memory for each connection: only for idle memory

	// Only for loads at a fixed rate:
	Offered        float64       `json:",omitempty"` // messages/s
	P50, P99, P999 time.Duration `json:",omitempty"`
	Latencies      []byte        `json:",omitempty"` // the histogram
}

func (r *Reading) summarize() error {
	h, err := hdrhistogram.Decode(r.Latencies)
	if err != nil {
		return err
	}
	r.P50, r.P99, r.P999 = time.Duration(h.ValueAtQuantile(50)), time.Duration(h.ValueAtQuantile(99)), time.Duration(h.ValueAtQuantile(99.9))
	return nil
}

func (r Reading) cost() float64 { return float64(r.CPU) / float64(r.Messages) }
func (r Reading) pace() float64 { return float64(r.Took) / float64(r.Messages) }
func (r Reading) rate() float64 { return float64(r.Messages) / r.Took.Seconds() }
func (r Reading) busy() float64 { return float64(r.CPU) / float64(r.Took) }

// ratios compares each slice of a server with the slices of the reference beside it. A ratio is the
// reference's cost ÷ the server's own cost. So 1 is as cheap, and higher is better. The cost may be
// another figure of which less is better. Between two slices of the reference the nearer one weighs
// more, because the machine drifts. in has the readings of one scenario, sorted by Seq.
func ratios(in []Reading, ref, server string, of func(Reading) float64) []float64 {
	var out []float64
	for i, r := range in {
		if r.Server != server {
			continue
		}
		before, after := -1, -1
		for k := i - 1; k >= 0 && before < 0; k-- {
			if in[k].Server == ref {
				before = k
			}
		}
		for k := i + 1; k < len(in) && after < 0; k++ {
			if in[k].Server == ref {
				after = k
			}
		}
		var c float64
		switch {
		case before < 0 && after < 0:
			continue
		case before < 0:
			c = of(in[after])
		case after < 0:
			c = of(in[before])
		default:
			far := float64(in[after].Seq - in[before].Seq)
			c = (of(in[before])*float64(in[after].Seq-r.Seq) + of(in[after])*float64(r.Seq-in[before].Seq)) / far
		}
		out = append(out, c/of(r))
	}
	return out
}

// Median returns the median, or NaN if there are no values.
func Median(of []float64) float64 {
	if len(of) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(of))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Interval returns the 95 % confidence interval of the median by order statistics. It assumes
// nothing about the distribution, which is skewed on a shared machine. With fewer than six readings
// there is no such interval. Interval then returns the range of all readings.
func Interval(of []float64) (low, high float64) {
	if len(of) == 0 {
		return math.NaN(), math.NaN()
	}
	s := slices.Sorted(slices.Values(of))
	n, k := len(s), 0
	// The median lies outside [s[k], s[n-1-k]] with probability 2·P(Binomial(n, ½) ≤ k).
	p := math.Pow(0.5, float64(n))
	for sum := p; 2*sum <= 0.05; sum += p {
		k++
		p *= float64(n-k+1) / float64(k)
	}
	k = max(k-1, 0)
	return s[k], s[n-1-k]
}
