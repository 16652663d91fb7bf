package websocket

import (
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
