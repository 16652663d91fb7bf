package socket

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"

	"github.com/ureactor/ureactor/internal/kernel"
)

// The numbers of mbedtls. They are MicroPython's args[0] of an error of TLS.
const (
	sslLast          = -0x100 // the numbers of mbedtls's modules are below this one
	sslRefused       = -0x2700
	sslX509          = -0x3000
	sslBadConfig     = -0x5e80
	sslIllegal       = -0x6600
	sslInternal      = -0x6c00
	sslFailure       = -0x6e00
	sslVersion       = -0x6e80
	sslInvalidMAC    = -0x7180
	sslInvalidRecord = -0x7200
	sslEOF           = -0x7280
	sslDecode        = -0x7300
	sslNoClientCert  = -0x7480
	sslUnexpected    = -0x7700
	sslAlert         = -0x7780
	sslBadCert       = -0x7a00
)

var sslTexts = map[int]string{
	sslRefused:       "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED",
	sslX509:          "MBEDTLS_ERR_X509_FATAL_ERROR",
	sslBadConfig:     "MBEDTLS_ERR_SSL_BAD_CONFIG",
	sslIllegal:       "MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER",
	sslInternal:      "MBEDTLS_ERR_SSL_INTERNAL_ERROR",
	sslFailure:       "MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE",
	sslVersion:       "MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION",
	sslInvalidMAC:    "MBEDTLS_ERR_SSL_INVALID_MAC",
	sslInvalidRecord: "MBEDTLS_ERR_SSL_INVALID_RECORD",
	sslEOF:           "MBEDTLS_ERR_SSL_CONN_EOF",
	sslDecode:        "MBEDTLS_ERR_SSL_DECODE_ERROR",
	sslNoClientCert:  "MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE",
	sslUnexpected:    "MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE",
	sslAlert:         "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE",
	sslBadCert:       "MBEDTLS_ERR_SSL_BAD_CERTIFICATE",
}

// ofAlert maps the number of an alert to the number of mbedtls's error. The alert is what this side
// sends to its peer because of the error.
var ofAlert = map[uint64]int{
	10: sslUnexpected, 20: sslInvalidMAC, 22: sslInvalidRecord, 42: sslBadCert, 43: sslBadCert, 46: sslBadCert,
	47: sslIllegal, 50: sslDecode, 70: sslVersion, 80: sslInternal,
}

// sslNumber returns mbedtls's number for an error of crypto/tls. If the reason is unknown, it
// returns the number for an unspecified failure.
func sslNumber(err error) int {
	var refused callbackError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return int(refused)
	case errors.As(err, new(refusedBefore)):
		return sslRefused
	case errors.Is(err, errNoClientCert):
		return sslNoClientCert
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return sslEOF
	case errors.As(err, new(tls.RecordHeaderError)):
		return sslInvalidRecord
	case errors.As(err, &op) && op.Op == "remote error":
		return sslAlert
	case op != nil && op.Err != nil:
		// In crypto/tls an alert is a number whose type is not exported.
		if v := reflect.ValueOf(op.Err); v.CanUint() && ofAlert[v.Uint()] != 0 {
			return ofAlert[v.Uint()]
		}
	}
	return sslFailure
}

// Text returns MicroPython's args[1]: mbedtls's name of the error. Only errors of TLS have one. For
// other errors it is empty.
func (e *OSError) Text() string {
	text := sslTexts[e.Errno]
	if text == "" && e.Errno < sslLast {
		text = fmt.Sprintf("MBEDTLS_ERR_UNKNOWN (0x%04X)", -e.Errno)
	}
	return text
}

// A causedError is an OSError with the error that has caused it.
type causedError struct {
	OSError
	cause error
}

func caused(o op, number int, cause error) error {
	return &causedError{OSError{Errno: number, Op: o.String()}, cause}
}

func (e *causedError) Error() string {
	text := fmt.Sprintf("socket: %s: %v", e.Op, e.cause)
	if name := e.Text(); name != "" {
		text += fmt.Sprintf(" (%d, %s)", e.Errno, name)
	}
	return text
}

// Text also has mbedtls's name of the number 1, which a verify callback may return.
func (e *causedError) Text() string {
	if e.cause == callbackError(1) {
		return "MBEDTLS_ERR_ERROR_GENERIC_ERROR"
	}
	return e.OSError.Text()
}

// Unwrap returns the cause. For an error of TLS it also returns EPROTO.
func (e *causedError) Unwrap() []error {
	if _, refused := e.cause.(callbackError); refused || e.Errno < 0 {
		return []error{&e.OSError, e.cause, kernel.EPROTO}
	}
	return []error{&e.OSError, e.cause}
}

// fileError returns the error of a call that cannot read a file.
func fileError(o op, err error) error {
	var e kernel.Errno
	if !errors.As(err, &e) {
		return badValue(o, "%v", err)
	}
	return caused(o, int(e), err)
}

// A VerifyError is the error of a handshake that has refused the peer's certificate. In this case
// MicroPython raises ValueError, so a VerifyError is ErrValue. It wraps a
// *tls.CertificateVerificationError, and matches EPROTO like all errors of TLS.
type VerifyError struct {
	Op    string // the name of the call
	Flags int    // the MBEDTLS_X509_BADCERT_ flags of mbedtls
	Err   error
}

func (e *VerifyError) Error() string   { return fmt.Sprintf("socket: %s: %v", e.Op, e.Err) }
func (e *VerifyError) Unwrap() []error { return []error{ErrValue, e.Err, kernel.EPROTO} }

// Info returns the text of MicroPython's ValueError, which is mbedtls's description of the flags.
func (e *VerifyError) Info() string {
	var b strings.Builder
	for _, f := range flagTexts {
		if e.Flags&f.flag != 0 {
			b.WriteString("\n" + f.text + "\n")
		}
	}
	return b.String()
}

// repeated returns the error of later calls, after a call has returned err. Only the first call
// reports what is wrong with the peer's certificate.
func repeated(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return refusedBefore{refused.err}
	}
	return err
}

// refusedBefore is the error of a call after a handshake that has refused the peer's certificate.
type refusedBefore struct{ error }

func (e refusedBefore) Unwrap() error { return e.error }

// tlsError makes the error of a call from an error of crypto/tls.
func tlsError(o op, err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return &VerifyError{Op: o.String(), Flags: refused.flags, Err: refused.err}
	}
	if err == io.EOF { // the peer has closed during the handshake
		err = io.ErrUnexpectedEOF
	}
	return caused(o, sslNumber(err), err)
}
