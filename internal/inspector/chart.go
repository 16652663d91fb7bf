package inspector

import "strconv"

const chartWide, chartHigh = 240, 48

// chart adds a chart of the last values. The latest one is at the right edge. least is the minimum
// height of the scale.
func (p *page) chart(label, most string, values []float64, least float64) {
	top := least
	for _, v := range values {
		top = max(top, v)
	}
	p.raw(`<figure><svg viewBox="0 0 ` + itoa(chartWide) + " " + itoa(chartHigh) + `" role="img" preserveAspectRatio="none"><title>`)
	p.text(label + ": " + most)
	p.raw(`</title><polyline points="`)
	for i, v := range values {
		x := chartWide - float64(len(values)-1-i)*chartWide/(points-1)
		y := chartHigh - 1 - v/top*(chartHigh-2)
		if i > 0 {
			p.raw(" ")
		}
		p.b = strconv.AppendFloat(p.b, x, 'f', 1, 64)
		p.raw(",")
		p.b = strconv.AppendFloat(p.b, y, 'f', 1, 64)
	}
	p.raw(`"/></svg><figcaption>`)
	p.text(label + " ")
	p.tag("b", most)
	p.raw("</figcaption></figure>")
}
