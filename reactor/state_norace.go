//go:build !race

package reactor

// checkState does nothing without the race detector: see state_race.go.
func (c *Conn) checkState() {}

func (t *Task) checkState() {}

func (r *Reactor) checkSeats() {}

func (r *Reactor) checkFigures(*figures) {}
