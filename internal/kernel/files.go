package kernel

// Files returns how many descriptors the program has open on k, or -1 if k cannot report it.
func Files(k Kernel) int {
	if s, ok := k.(interface{ Files() int }); ok {
		return s.Files()
	}
	return -1
}

func (*host) Files() int { return openFiles() }
