//go:build !race

package desc

func (d *Desc) checkState() {}

func (c *Call) checkBegin() {}

func (c *Call) checkEnd() {}

func (d *Desc) checkTurn(Dir) {}
