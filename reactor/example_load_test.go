//go:build unix

package reactor_test

import (
	"fmt"
	"log"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// A monitor reads the Load on a goroutine of its own.
func ExampleReactor_Load() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	before := r.Load()
	time.Sleep(10 * time.Second)
	load := r.Load().Since(&before)
	fmt.Println(load.Utilization(), load.Turns.Quantile(0.99), load.Lag.Quantile(0.99))
	fmt.Println(r.Load().Recent) // the longest turn of the last 10 to 20 s, and its callback
}
