package websocket

import (
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
