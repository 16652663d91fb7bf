package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pictures are the functions that draw the files in doc/, by file name.
var pictures = map[string]func() string{
	"layers.svg": drawLayers,
	"turn.svg":   drawTurn,
}

func main() {
	for name, draw := range pictures {
		if err := os.WriteFile(filepath.Join("doc", name), []byte(draw()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "pictures:", err)
			os.Exit(1)
		}
	}
}
