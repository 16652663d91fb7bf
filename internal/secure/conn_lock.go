package secure

// lockRead begins a use of the fields that readMu guards. If the Desc is not shared, only user code
// inside such a use could begin another one. With a mutex, the second use would wait forever.
func (c *Conn) lockRead() {
	if c.shared || c.reading {
		c.lockReadSlow()
	}
	c.reading = true
}

// The functions with the names Slow contain the rare part, so that the others can be inlined.
//
//go:noinline
func (c *Conn) lockReadSlow() {
	if !c.shared {
		panic("tls: a callback of the configuration uses its own connection, which is inside a call: return first")
	}
	c.readMu.Lock()
}

// tryLockRead is lockRead, except that it returns false if another call uses the fields.
func (c *Conn) tryLockRead() bool {
	if c.shared && !c.readMu.TryLock() || !c.shared && c.reading {
		return false
	}
	c.reading = true
	return true
}

func (c *Conn) unlockRead() {
	if c.reading = false; c.shared {
		c.unlockReadSlow()
	}
}

//go:noinline
func (c *Conn) unlockReadSlow() { c.readMu.Unlock() }

func (c *Conn) lockWrite() {
	if c.shared {
		c.writeMu.Lock()
	}
}

func (c *Conn) unlockWrite() {
	if c.shared {
		c.unlockWriteSlow()
	}
}

//go:noinline
func (c *Conn) unlockWriteSlow() { c.writeMu.Unlock() }
