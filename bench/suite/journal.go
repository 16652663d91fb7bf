package suite

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A journal records the run on disk, with one JSON value a line. First comes the configuration, and
// then each finished scenario with its readings. An interrupted run resumes after the last
// scenario. Half a scenario is measured again, because a slice is compared with its neighbours in
// time.
type journal struct {
	file *os.File
	done map[string]bool
	err  error // the first error of a write
}

type header struct {
	Config Config
	Began  time.Time
}

type entry struct {
	Done     string
	Readings []Reading
}

// JournalName is the name of the journal in the report's directory.
const JournalName = "run.jsonl"

func openJournal(r *run) (*journal, error) {
	j := &journal{done: map[string]bool{}}
	if r.Dir == "" {
		return j, nil
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return nil, err
	}
	name := filepath.Join(r.Dir, JournalName)
	if r.Resume {
		return j, j.resume(r, name)
	}
	var err error
	if j.file, err = os.Create(name); err != nil {
		return nil, err
	}
	j.write(header{r.Config, r.Began})
	return j, j.err
}

// resume reads the journal, uses its configuration, and continues to write after the last complete
// line.
func (j *journal) resume(r *run, name string) error {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("nothing to resume: no %s", name)
	}
	if err != nil {
		return err
	}
	j.file = file
	in := bufio.NewReader(file)
	var h header
	var whole int64
	for first := true; ; first = false {
		line, err := in.ReadBytes('\n')
		if err != nil { // the end, perhaps in the middle of a line
			break
		}
		var e entry
		if first {
			err = json.Unmarshal(line, &h)
		} else if err = json.Unmarshal(line, &e); err == nil {
			j.done[e.Done] = true
			r.Readings = append(r.Readings, e.Readings...)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		whole += int64(len(line))
	}
	if whole == 0 {
		return fmt.Errorf("nothing to resume: %s is empty", name)
	}
	r.Slice, r.Rounds, r.Seed, r.Quick, r.Began = h.Config.Slice, h.Config.Rounds, h.Config.Seed, h.Config.Quick, h.Began
	r.Result.Config = r.Config
	r.note("resumed after %d scenarios", len(j.done))
	if err := file.Truncate(whole); err != nil {
		return err
	}
	_, err = file.Seek(whole, 0)
	return err
}

func (j *journal) finish(scenario string, of []Reading, whole bool) {
	if whole {
		j.write(entry{scenario, of})
	}
}

func (j *journal) write(v any) {
	if j.file == nil || j.err != nil {
		return
	}
	line, err := json.Marshal(v)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	j.err = err
}

func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
	}
}
