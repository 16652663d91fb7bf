package metrics

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A row is a metric, and the function that reads its samples from a view.
type row struct {
	Family
	samples func(v *view) []Sample
	once    bool // the metric describes the process and not a loop
}

// table contains all metrics, sorted by name.
var table = sorted([]row{
	histogram("eventloop.turn.duration", "How long turns of the loop took, without the sleep before them.",
		func(l *reactor.Load) *reactor.Histogram { return &l.Turns }),
	histogram("eventloop.delay", "How late timers ran: from the deadline to the call.",
		func(l *reactor.Load) *reactor.Histogram { return &l.Lag }),
	histogram("eventloop.post.delay", "From a post to the run of its function.",
		func(l *reactor.Load) *reactor.Histogram { return &l.Posts }),
	histogram("eventloop.task.delay", "From the wake of a task to its run.",
		func(l *reactor.Load) *reactor.Histogram { return &l.Wakes }),
	{Family{Name: "ureactor.eventloop.time", Unit: "s", Kind: Counter,
		Help: "Time that the loop was active, in turns, or idle."}, func(v *view) []Sample {
		return split("state", "active", v.load.Busy.Seconds(), "idle", v.load.Idle.Seconds())
	}, false},
	gauge("eventloop.utilization", "1", "Share of the time in turns, since the last collection.", func(v *view) float64 { return v.share }),
	gauge("eventloop.turn.present", "s", "How long the present turn has run; 0 while the loop sleeps.",
		func(v *view) float64 { return v.load.Present.Seconds() }),
	gauge("eventloop.turn.longest", "s", "The longest turn of the last 10 to 20 seconds; 0 if none took 100 microseconds.",
		func(v *view) float64 { return v.load.Recent.Took.Seconds() }),

	counter("turns", "{turn}", "Turns of the loop.", func(s *reactor.Stats) uint64 { return s.Turns }),
	counter("events", "{event}", "Events that were delivered.", func(s *reactor.Stats) uint64 { return s.Events }),
	counter("timers.fired", "{timer}", "Timers that fired.", func(s *reactor.Stats) uint64 { return s.Timers }),
	counter("posts.run", "{post}", "Posted functions and sends that ran.", func(s *reactor.Stats) uint64 { return s.Posts }),
	counter("posts.refused", "{post}", "Posts that were refused because too many waited.", func(s *reactor.Stats) uint64 { return s.PostsRefused }),
	counter("connections.accepted", "{connection}", "Connections that were accepted.", func(s *reactor.Stats) uint64 { return s.Accepted }),
	counter("connections.dialled", "{connection}", "Connects that succeeded.", func(s *reactor.Stats) uint64 { return s.Dialled }),
	{Family{Name: "ureactor.accept.pauses", Unit: "{pause}", Kind: Counter,
		Help: "Times that a listener paused, by reason."}, func(v *view) []Sample {
		s := &v.stats
		return split("reason", "descriptors", float64(s.NoFiles), "full", float64(s.Full), "memory", float64(s.NoMemory),
			"other", float64(s.Refused-s.NoFiles-s.NoMemory))
	}, false},
	counter("reads", "{read}", "Reads of connections that were delivered.", func(s *reactor.Stats) uint64 { return s.Reads }),
	counter("sends", "{call}", "System calls that sent on connections.", func(s *reactor.Stats) uint64 { return s.Sends }),
	counter("sends.refused", "{send}", "Sends that were refused because too much output waited.",
		func(s *reactor.Stats) uint64 { return s.SendsRefused }),
	{Family{Name: "ureactor.network.io", Unit: "By", Kind: Counter, Help: "Bytes received and sent."}, func(v *view) []Sample {
		return split("direction", "receive", float64(v.stats.BytesIn), "transmit", float64(v.stats.BytesOut))
	}, false},
	{Family{Name: "ureactor.datagrams", Unit: "{datagram}", Kind: Counter, Help: "Datagrams received and sent."}, func(v *view) []Sample {
		return split("direction", "receive", float64(v.stats.PacketsIn), "transmit", float64(v.stats.PacketsOut))
	}, false},
	counter("datagrams.lost", "{datagram}", "Datagrams that the kernel refused to send, or that did not fit.",
		func(s *reactor.Stats) uint64 { return s.PacketsLost }),
	counter("output.undelivered", "By", "Bytes that were accepted for sending and dropped.", func(s *reactor.Stats) uint64 { return s.Undelivered }),
	counter("tasks.ended", "{task}", "Tasks that ended.", func(s *reactor.Stats) uint64 { return s.TasksEnded }),
	counter("panics", "{panic}", "Panics that were isolated.", func(s *reactor.Stats) uint64 { return s.Panics }),

	level("connections.open", "{connection}", "Connections, those being dialled included.", func(s *reactor.Stats) int { return s.Conns }),
	level("connections.throttled", "{connection}", "Connections under back-pressure, which are not read.",
		func(s *reactor.Stats) int { return s.Throttled }),
	level("connections.blocked", "{connection}", "Connections with output that the kernel has refused.",
		func(s *reactor.Stats) int { return s.Blocked }),
	level("listeners.open", "{listener}", "Listeners.", func(s *reactor.Stats) int { return s.Listeners }),
	level("listeners.paused", "{listener}", "Listeners that accept nothing now.", func(s *reactor.Stats) int { return s.Paused }),
	level("datagram.sockets", "{socket}", "Datagram sockets.", func(s *reactor.Stats) int { return s.Packets }),
	level("tasks.open", "{task}", "Tasks that have not ended.", func(s *reactor.Stats) int { return s.Tasks }),
	level("timers.armed", "{timer}", "Armed timers.", func(s *reactor.Stats) int { return s.Timed }),
	level("posts.waiting", "{post}", "Posts that wait.", func(s *reactor.Stats) int { return s.Posted }),
	level("output.buffered", "By", "Bytes that were accepted for sending and wait.", func(s *reactor.Stats) int { return s.Buffered }),
	gauge("output.age", "s", "How long the oldest refused output waits.", func(v *view) float64 { return v.load.Unsent.Seconds() }),
	level("descriptors.watched", "{descriptor}", "Descriptors that the loop has.", func(s *reactor.Stats) int { return s.Watched }),
	{Family{Name: "ureactor.process.descriptors.open", Unit: "{descriptor}", Kind: Gauge,
		Help: "Descriptors that the process has open."}, func(v *view) []Sample { return known(v.open) }, true},
	{Family{Name: "ureactor.process.descriptors.allowed", Unit: "{descriptor}", Kind: Gauge,
		Help: "Descriptors that the process may have."}, func(v *view) []Sample { return known(v.allowed) }, true},
})

func sorted(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.PrometheusName(), b.PrometheusName()) })
	return rows
}

func histogram(name, help string, of func(*reactor.Load) *reactor.Histogram) row {
	return row{Family{Name: "ureactor." + name, Unit: "s", Help: help, Kind: Histogram}, func(v *view) []Sample {
		h := *of(&v.load)
		return []Sample{{Histogram: &h}}
	}, false}
}

func gauge(name, unit, help string, of func(*view) float64) row {
	return row{Family{Name: "ureactor." + name, Unit: unit, Help: help, Kind: Gauge}, func(v *view) []Sample {
		return []Sample{{Value: of(v)}}
	}, false}
}

func level(name, unit, help string, of func(*reactor.Stats) int) row {
	return gauge(name, unit, help, func(v *view) float64 { return float64(of(&v.stats)) })
}

func counter(name, unit, help string, of func(*reactor.Stats) uint64) row {
	return row{Family{Name: "ureactor." + name, Unit: unit, Help: help, Kind: Counter}, func(v *view) []Sample {
		return []Sample{{Value: float64(of(&v.stats))}}
	}, false}
}

// split returns a sample for each value of one additional label. pairs contains a value of the
// label, the number for it, the next value, and so on.
func split(label string, pairs ...any) (s []Sample) {
	for i := 0; i < len(pairs); i += 2 {
		s = append(s, Sample{Labels: []Label{{label, pairs[i].(string)}}, Value: pairs[i+1].(float64)})
	}
	return s
}

// known returns a sample with a number of descriptors. If the system does not report the number, it
// returns none.
func known(n int) []Sample {
	if n < 0 || n == math.MaxInt {
		return nil
	}
	return []Sample{{Value: float64(n)}}
}

// Bound returns the upper bound of the ith bucket of a Histogram in seconds. For the last bucket it
// is +Inf.
func Bound(i int) float64 {
	if i == reactor.HistogramBuckets-1 {
		return math.Inf(1)
	}
	return float64(reactor.HistogramBound(i)) / float64(time.Second)
}
