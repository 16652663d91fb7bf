package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// The outcomes of a mutant.
const (
	killed    = "killed"
	survived  = "survived"
	unreached = "unreached" // no test reaches the place
)

// A result is a line of the journal.
type result struct {
	Group   string
	Key     string
	Line    int
	Outcome string
	By      string `json:",omitempty"` // the test that failed
}

// A journal is the file of the results. Without -journal there is no file.
type journal struct {
	mu   sync.Mutex
	file *os.File
	all  []result
}

// openJournal reads the results of earlier runs. It drops an incomplete last line.
func openJournal(name string) (*journal, error) {
	if name == "" {
		return &journal{}, nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f}
	whole := int64(0)
	for in := bufio.NewReader(f); ; {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		var r result
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s at byte %d: %w; remove the file to begin again", name, whole, err)
		}
		j.all = append(j.all, r)
		whole += int64(len(line))
	}
	if err := f.Truncate(whole); err != nil {
		return nil, err
	}
	_, err = f.Seek(whole, io.SeekStart)
	return j, err
}

func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close() // add has already reported any error
	}
}

// results returns the results of a group by key.
func (j *journal) results(group string) map[string]result {
	all := map[string]result{}
	for _, r := range j.all {
		if r.Group == group {
			all[r.Key] = r
		}
	}
	return all
}

// add writes a result. If the disk is full, the run ends. The next run continues after the last
// complete line.
func (j *journal) add(group string, r result) error {
	if j.file == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Group = group
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}
