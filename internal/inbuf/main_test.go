package inbuf

import _ "github.com/ureactor/ureactor/internal/longtest" // defines -long
