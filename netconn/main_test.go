package netconn_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	longtest.AtOnce(8) // the tests of net.Conn's contract wait for deadlines
	goleak.VerifyTestMain(m)
}
