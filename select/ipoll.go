package sel

import "github.com/ureactor/ureactor/timeout"

// A results has the results of the last IPoll. at is the index of the next result to yield.
type results struct {
	found []result
	at    int
	once  bool
}

func (s *set) ipoll(limit timeout.Timeout, once bool) error {
	c, err := s.run("ipoll", limit)
	s.mu.Lock()
	old := s.results.found
	clear(old)
	s.results = results{found: old[:0], once: once}
	if c != nil && err == nil {
		s.results.found, c.found = c.found, old[:0]
	}
	s.mu.Unlock()
	s.done(c)
	return err
}

// iterate yields those results of the last IPoll that were not yielded yet.
func (s *set) iterate(yield func(Pollable, Events) bool) {
	for {
		ev, ok := s.step()
		if !ok || !yield(ev.Obj, ev.Events) {
			return
		}
	}
}

// step returns the next result. It skips an object that was unregistered after the IPoll, even if
// the object was registered again. If an object was modified or closed after the IPoll, step still
// returns the events that the IPoll has found.
func (s *set) step() (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.results
	for w.at < len(w.found) {
		h := w.found[w.at]
		w.found[w.at] = result{}
		w.at++
		if h.e.unregistered {
			continue
		}
		if w.once {
			s.setMask(h.e, 0) // with an error the mask does not change, and the object is reported once more
		}
		return Event{h.e.obj, h.ev}, true
	}
	return Event{}, false
}
