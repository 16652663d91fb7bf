//go:build !race

package secure

func (c *Conn) checkState() {}

func (s *Session) checkState() {}
