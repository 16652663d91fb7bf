package suite

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// plots writes the pictures that keep accepts. Each picture is written in all formats. plots
// returns their names without the endings.
func (r *Result) plots(dir string, keep func(name string) bool, endings ...string) (names []string, err error) {
	save := func(name string, p *plot.Plot, width, height vg.Length) {
		if !keep(name) {
			return
		}
		for _, ending := range endings {
			if err == nil {
				err = p.Save(width, height, filepath.Join(dir, name+ending))
			}
		}
		names = append(names, name)
	}
	for _, s := range r.Scenarios {
		if s.Idle || s.Share > 0 {
			continue
		}
		if p := r.costPlot(s); p != nil {
			save("cpu-"+s.Name, p, 9*vg.Inch, 2.6*vg.Inch)
		}
	}
	for _, load := range r.rateLoads() {
		if p := r.latencyPlot(load); p != nil {
			save("p99-"+load, p, 6*vg.Inch, 4*vg.Inch)
		}
	}
	if p := r.memoryPlot(); p != nil {
		save("idle-memory", p, 9*vg.Inch, 2.6*vg.Inch)
	}
	if p := r.scalingPlot(); p != nil {
		save("scaling", p, 6*vg.Inch, 4*vg.Inch)
	}
	return names, err
}

// costPlot has one dot with its interval for each server. The dot is the reference's cost ÷ the
// server's own cost.
func (r *Result) costPlot(s Scenario) *plot.Plot {
	var at plotter.XYs
	var errs plotter.YErrors
	var names []string
	in := r.of(s.Name)
	for _, style := range r.compared(s)[1:] {
		x := ratios(in, r.ref(s), style.Name, Reading.cost)
		if len(x) == 0 {
			continue
		}
		low, high := Interval(x)
		at = append(at, plotter.XY{X: float64(len(names)), Y: Median(x)})
		errs = append(errs, struct{ Low, High float64 }{Median(x) - low, high - Median(x)})
		names = append(names, style.Name)
	}
	if len(at) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text = s.Name + ": CPU per message, " + r.ref(s) + " ÷ server"
	named(p, names)
	p.Y.Min, p.Y.Max = 0, 1.25
	for _, e := range at {
		p.Y.Max = max(p.Y.Max, e.Y*1.1)
	}
	one := plotter.NewFunction(func(float64) float64 { return 1 })
	one.Color = color.Gray{160}
	dots, err := plotter.NewScatter(at)
	if err != nil {
		return nil
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: plotutil.Color(2), Radius: 3, Shape: draw.CircleGlyph{}}
	bars, err := plotter.NewYErrorBars(struct {
		plotter.XYer
		plotter.YErrorer
	}{at, errs})
	if err != nil {
		return nil
	}
	p.Add(one, bars, dots, plotter.NewGrid())
	return p
}

// rateLoads are the names of the loads at fixed rates, without their shares.
func (r *Result) rateLoads() (names []string) {
	seen := map[string]bool{}
	for _, s := range r.Scenarios {
		if name, _, ok := strings.Cut(s.Name, "@"); ok && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func (r *Result) latencyPlot(load string) *plot.Plot {
	p := plot.New()
	p.Title.Text = load + ": p99 of the latency, median of the slices"
	p.X.Label.Text = "offered, % of what " + r.Ref() + " reaches"
	p.Y.Label.Text = "ms"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top = true
	n := 0
	for i, style := range r.Styles {
		var at plotter.XYs
		for _, s := range r.Scenarios {
			if name, _, _ := strings.Cut(s.Name, "@"); name != load || s.Share == 0 {
				continue
			}
			if x := p99s(r.of(s.Name), style.Name); len(x) > 0 {
				at = append(at, plotter.XY{X: 100 * s.Share, Y: Median(x)})
			}
		}
		if n += len(at); addLine(p, style.Name, i, at) != nil {
			return nil
		}
	}
	if n == 0 {
		return nil
	}
	p.X.Max *= 1.25 // space for the legend
	return p
}

func addLine(p *plot.Plot, name string, i int, at plotter.XYs) error {
	if len(at) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(at)
	if err != nil {
		return err
	}
	line.Color, line.Dashes = plotutil.Color(i), plotutil.Dashes(i/7)
	dots.Color, dots.Shape = plotutil.Color(i), plotutil.Shape(i)
	p.Add(line, dots)
	p.Legend.Add(name, line, dots)
	return nil
}

func (r *Result) memoryPlot() *plot.Plot {
	var values plotter.Values
	var names []string
	for _, style := range r.Styles {
		x := figures(r.of("idle-memory"), style.Name, func(x Reading) float64 { return x.Bytes })
		if len(x) > 0 {
			values = append(values, max(1, Median(x)))
			names = append(names, style.Name)
		}
	}
	if len(values) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text = "resident bytes of each idle connection"
	named(p, names)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min = 1
	dots, err := plotter.NewScatter(indexed(values))
	if err != nil {
		return nil
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: plotutil.Color(2), Radius: 4, Shape: draw.CircleGlyph{}}
	p.Add(dots, plotter.NewGrid())
	return p
}

// named labels the x axis with the names, and leaves space before the first and after the last.
func named(p *plot.Plot, names []string) {
	p.NominalX(names...)
	p.X.Min, p.X.Max = -.5, float64(len(names))-.5
	p.X.Tick.Label.Font.Size = 10
}

func indexed(values plotter.Values) plotter.XYs {
	at := make(plotter.XYs, len(values))
	for i, v := range values {
		at[i] = plotter.XY{X: float64(i), Y: v}
	}
	return at
}

// scalingPlot shows the cost of a message on one connection beside idle connections, ÷ the cost
// beside the fewest of them.
func (r *Result) scalingPlot() *plot.Plot {
	p := plot.New()
	p.Title.Text = "CPU per message on 1 connection of n, ÷ that of 10"
	p.X.Label.Text = "n"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	n := 0
	for i, style := range r.Styles {
		var at plotter.XYs
		first := math.NaN()
		for _, conns := range scaling {
			c := Median(costs(r.of(fmt.Sprintf("1-of-%d", conns)), style.Name))
			if math.IsNaN(c) {
				continue
			}
			if math.IsNaN(first) {
				first = c
			}
			at = append(at, plotter.XY{X: float64(conns), Y: c / first})
		}
		if n += len(at); addLine(p, style.Name, i, at) != nil {
			return nil
		}
	}
	if n == 0 {
		return nil
	}
	p.Y.Min = 0
	return p
}
