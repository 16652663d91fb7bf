// Package proc starts processes on a chosen core and measures their cost from outside. It needs
// Linux.
package proc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// init keeps main on the thread that started the process. A child gets PDEATHSIG when the thread
// that started it ends. The first thread ends with the process, and the suite starts its children
// from main.
func init() { runtime.LockOSThread() }

// Cores returns the cores on which this process may run.
func Cores() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return []int{0}
	}
	var cores []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores
}

// Pin moves all threads of this process to one core.
func Pin(cpu int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		tid, _ := strconv.Atoi(t.Name())
		if err := pin(tid, cpu); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}

func pin(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(tid, &set))
}

// Nice is the priority of started processes, from -20 to 19. With a value below 0, other load on
// the machine affects the results less. The process needs the right to set such a value.
var Nice int

// Start starts cmd on one core. The process is pinned before it runs, so a Go program sees one core
// (GOMAXPROCS 1). Ctrl-C does not reach the child. The child ends with this process.
func Start(cmd *exec.Cmd, cpu int) error {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	if err := pin(0, cpu); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &before)
	if Nice != 0 {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, Nice); err != nil {
			return fmt.Errorf("priority %d: %w", Nice, err)
		}
		defer unix.Setpriority(unix.PRIO_PROCESS, 0, 0)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	// Some kernels schedule processes by session. Then the weight of the session counts.
	if Nice != 0 {
		os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", cmd.Process.Pid), []byte(strconv.Itoa(Nice)), 0)
	}
	return nil
}

// CPU returns the processor time of all threads of a process, in user and kernel mode. The time of
// a running thread is only counted up to its last tick. So call CPU when the process is idle
// (Rest).
func CPU(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED; the id is what clock_getcpuclockid(3) makes of pid
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &t); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(t.Nano()), nil
}

// Rest waits until a process has used no time for a millisecond, but at most 50 ms. It returns the
// processor time of the process.
func Rest(pid int) (time.Duration, error) {
	last := time.Duration(-1)
	for range 50 {
		now, err := CPU(pid)
		if err != nil || now == last {
			return now, err
		}
		last = now
		time.Sleep(time.Millisecond)
	}
	return last, nil
}

// RSS returns the resident memory of a process in bytes. It reads smaps_rollup, which walks the
// pages, because the counters in status lag by up to a hundred kilobytes.
func RSS(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Rss:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no Rss line for process %d", pid)
}
