//go:build unix

package inspect_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/ureactor/ureactor/inspect"
	"github.com/ureactor/ureactor/reactor"
)

// A program serves the pages on its own server, at a loopback address.
func ExampleHandler() {
	g, err := reactor.NewGroup(2)
	if err != nil {
		log.Fatal(err)
	}
	go g.Run(context.Background())

	pages := http.NewServeMux()
	pages.Handle("/debug/loops/", inspect.Handler(g.Loops()))
	l, err := net.Listen("tcp", "127.0.0.1:0") // your program uses a fixed port
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, pages)

	answer, err := http.Get("http://" + l.Addr().String() + "/debug/loops/conns?format=json")
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(os.Stdout, answer.Body)
	_ = g.Shutdown(context.Background())
	// Output: {"conns": [], "total": 0, "found": 0, "page": 1, "pages": 1}
}

// Both slog.LevelVar and zap.AtomicLevel implement Level.
func ExampleLevel() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	level := new(slog.LevelVar)
	h := inspect.Handler([]*reactor.Reactor{r}, inspect.WithActions("a random text, made at the start"), inspect.WithLogLevel(level))

	form := strings.NewReader("action=level&id=DEBUG&token=a+random+text,+made+at+the+start")
	ask := httptest.NewRequest("POST", "http://127.0.0.1/do", form)
	h.ServeHTTP(httptest.NewRecorder(), ask)
	fmt.Println(level.Level())
	_ = r.Shutdown(context.Background())
	// Output: DEBUG
}

// Options restrict who may see the pages and who may use the actions.
func ExampleOption() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	opts := []inspect.Option{inspect.WithHost("ops.example")}
	h := inspect.Handler([]*reactor.Reactor{r}, opts...)
	for _, host := range []string{"ops.example", "evil.example"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://"+host+"/", nil))
		fmt.Println(host, w.Code)
	}
	_ = r.Shutdown(context.Background())
	// Output:
	// ops.example 200
	// evil.example 421
}

func ExampleWriteText() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	go r.Run(context.Background())
	var text strings.Builder
	if err := inspect.WriteText(&text, []*reactor.Reactor{r}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Contains(text.String(), "loop 0 runs"))
	_ = r.Shutdown(context.Background())
	// Output: true
}
