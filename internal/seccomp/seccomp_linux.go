package seccomp

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Errnos are the errors with which sandboxes and old kernels refuse a call.
var Errnos = []unix.Errno{unix.ENOSYS, unix.EPERM, unix.ENOTSUP, unix.EINVAL, unix.EACCES}

const variable = "UREACTOR_DENIED_CALL"

// Denied starts another process, which runs only the calling test. In that process the system call
// returns e, and Denied calls f. If the process fails, its output becomes an error of t.
func Denied(t *testing.T, call uintptr, e unix.Errno, f func(t *testing.T)) {
	t.Helper()
	name := t.Name() + "=" + strconv.Itoa(int(call)) + "," + strconv.Itoa(int(e))
	if want := os.Getenv(variable); want != "" {
		if want == name {
			deny(t, uint32(call), uint32(e))
			f(t)
		}
		return
	}
	path := strings.Split(t.Name(), "/")
	for i := range path {
		path[i] = "^" + path[i] + "$"
	}
	cmd := exec.Command(os.Args[0], "-test.run="+strings.Join(path, "/"), "-test.timeout=1m")
	cmd.Env = append(os.Environ(), variable+"="+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("system call %d is answered by %v: %v\n%s", call, e, err, out)
	}
}

// deny makes the system call return e, in all threads of this process.
func deny(t *testing.T, call, e uint32) {
	const load, equal, end, allow, errno = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000
	f := []unix.SockFilter{{Code: load}, {Code: equal, Jf: 1, K: call}, {Code: end, K: errno | e}, {Code: end, K: allow}}
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("no seccomp filters here: ", err)
	}
	const mode, allThreads = 1, 1
	if _, _, err := unix.Syscall(unix.SYS_SECCOMP, mode, allThreads, uintptr(unsafe.Pointer(&prog))); err != 0 {
		t.Skip("no seccomp filters here: ", err)
	}
}
