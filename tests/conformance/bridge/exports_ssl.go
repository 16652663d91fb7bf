//go:build cgo

package main

/*
#include <stdint.h>
typedef int64_t (*stream_fn)(int64_t key, int64_t op, void *p, int64_t n);
typedef int64_t (*verify_fn)(int64_t context, const void *cert, int64_t n, int64_t depth);
static int64_t call_stream(stream_fn f, int64_t k, int64_t o, void *p, int64_t n) {
	return f(k, o, p, n);
}
static int64_t call_verify(verify_fn f, int64_t c, const void *p, int64_t n, int64_t d) {
	return f(c, p, n, d);
}
*/
import "C"

import (
	"encoding/json"
	"errors"
	"unsafe"

	"github.com/ureactor/ureactor/socket"
)

var (
	streamFn C.stream_fn
	verifyFn C.verify_fn
)

//export mp_ssl_init
func mp_ssl_init(s C.stream_fn, v C.verify_fn) C.int64_t {
	streamFn, verifyFn = s, v
	return 0
}

func callStream(key, op int64, p []byte) int64 {
	return int64(C.call_stream(streamFn, C.int64_t(key), C.int64_t(op), unsafe.Pointer(unsafe.SliceData(p)), C.int64_t(len(p))))
}

func sslContext(h C.int64_t) *socket.SSLContext {
	mu.Lock()
	defer mu.Unlock()
	return contexts[int64(h)]
}

// sslCode returns the same number as code. For a ValueError it also gives the text.
func sslCode(err error, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	var bad BadValue
	if errors.As(err, &bad) {
		give([]byte(bad), outp, outn)
		return -30001
	}
	return code(err)
}

//export mp_ssl_context
func mp_ssl_context(protocol C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	c, err := socket.NewSSLContext(int(protocol))
	if err != nil {
		return sslCode(sslError(err), outp, outn)
	}
	mu.Lock()
	defer mu.Unlock()
	next++
	contexts[next] = c
	return C.int64_t(next)
}

//export mp_ssl_free
func mp_ssl_free(h C.int64_t) C.int64_t {
	mu.Lock()
	defer mu.Unlock()
	delete(contexts, int64(h))
	return 0
}

//export mp_ssl_load
func mp_ssl_load(h, own C.int64_t, a *C.char, an C.int64_t, b *C.char, bn C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	c := sslContext(h)
	var err error
	if own != 0 {
		err = c.LoadCertChainData([]byte(str(a, an)), []byte(str(b, bn)))
	} else {
		err = c.LoadVerifyLocations("", []byte(str(a, an)))
	}
	return sslCode(sslError(err), outp, outn)
}

//export mp_ssl_verify_mode
func mp_ssl_verify_mode(h, set, mode C.int64_t) C.int64_t {
	c := sslContext(h)
	if set == 0 {
		return C.int64_t(c.VerifyMode())
	}
	return code(pythonError(c.SetVerifyMode(int(mode))))
}

//export mp_ssl_verify_callback
func mp_ssl_verify_callback(h, on C.int64_t) C.int64_t {
	c := sslContext(h)
	if on == 0 {
		c.SetVerifyCallback(nil)
		return 0
	}
	c.SetVerifyCallback(func(cert []byte, depth int) int {
		return int(C.call_verify(verifyFn, h, unsafe.Pointer(unsafe.SliceData(cert)), C.int64_t(len(cert)), C.int64_t(depth)))
	})
	return 0
}

//export mp_ssl_ciphers
func mp_ssl_ciphers(h C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	b, err := json.Marshal(sslContext(h).GetCiphers())
	return giveResult(b, err, outp, outn)
}

//export mp_ssl_set_ciphers
func mp_ssl_set_ciphers(h C.int64_t, list *C.char, n C.int64_t) C.int64_t {
	var names []string
	if err := json.Unmarshal([]byte(str(list, n)), &names); err != nil {
		return code(ErrType)
	}
	return code(pythonError(sslContext(h).SetCiphers(names)))
}

// mp_ssl_wrap wraps the socket h. If h is 0, it wraps the Python object with this key.
//
//export mp_ssl_wrap
func mp_ssl_wrap(context, h, key, server, later C.int64_t, name *C.char, n C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	var s Sock
	if h != 0 {
		s = sock(h)
	}
	o := socket.SSLWrap{ServerSide: server != 0, DeferHandshake: later != 0, ServerHostname: str(name, n)}
	x, err := sslWrap(sslContext(context), s, int64(key), o)
	if err != nil {
		return sslCode(err, outp, outn)
	}
	return C.int64_t(addSock(x))
}

// If what is 0, mp_ssl_info returns the cipher and the version. Otherwise it returns the peer's
// certificate.
//
//export mp_ssl_info
func mp_ssl_info(h, what C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	c := sock(h).(interface{ conn() tlsConn }).conn()
	var p []byte
	sslDo(func() {
		if p = c.GetPeerCert(); what == 0 {
			suite, version := c.Cipher()
			p = []byte(suite + " " + version)
		}
	})
	return giveResult(p, nil, outp, outn)
}

// mp_ssl_text returns the text of a TLS error. If number is 0, it returns the text of the flags of
// a refused certificate.
//
//export mp_ssl_text
func mp_ssl_text(number, flags C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	text := (&socket.VerifyError{Flags: int(flags)}).Info()
	switch number {
	case 0:
	case 1:
		text = "MBEDTLS_ERR_ERROR_GENERIC_ERROR"
	default:
		text = (&socket.OSError{Errno: int(number)}).Text()
	}
	return giveResult([]byte(text), nil, outp, outn)
}
