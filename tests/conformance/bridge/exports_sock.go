//go:build cgo

package main

// #include <stdint.h>
import "C"

import "unsafe"

//export mp_sock_new
func mp_sock_new(af, typ, proto C.int64_t) C.int64_t {
	s, err := impl.NewSock(int(af), int(typ), int(proto))
	if err != nil {
		return code(err)
	}
	return C.int64_t(addSock(s))
}

//export mp_sock_free
func mp_sock_free(h C.int64_t) C.int64_t {
	s := sock(h)
	if s == nil {
		return 0
	}
	s.Close()
	mu.Lock()
	delete(socks, int64(h))
	delete(handles, s)
	mu.Unlock()
	return 0
}

//export mp_sock_fileno
func mp_sock_fileno(h C.int64_t) C.int64_t { return C.int64_t(sock(h).Fileno()) }

//export mp_sock_close
func mp_sock_close(h C.int64_t) C.int64_t { return code(sock(h).Close()) }

//export mp_sock_bind
func mp_sock_bind(h C.int64_t, a *C.char, n C.int64_t) C.int64_t {
	ad, err := addrIn(a, n)
	if err == nil {
		err = sock(h).Bind(ad)
	}
	return code(err)
}

//export mp_sock_listen
func mp_sock_listen(h, given, backlog C.int64_t) C.int64_t {
	return code(sock(h).Listen(int(backlog), given != 0))
}

//export mp_sock_accept
func mp_sock_accept(h C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	s, a, err := sock(h).Accept()
	if err != nil {
		return code(err)
	}
	addrOut(a, outp, outn)
	return C.int64_t(addSock(s))
}

//export mp_sock_connect
func mp_sock_connect(h C.int64_t, a *C.char, n C.int64_t) C.int64_t {
	ad, err := addrIn(a, n)
	if err == nil {
		err = sock(h).Connect(ad)
	}
	return code(err)
}

//export mp_sock_send
func mp_sock_send(h C.int64_t, p unsafe.Pointer, n C.int64_t) C.int64_t {
	return result(sock(h).Send(view(p, n)))
}

//export mp_sock_sendall
func mp_sock_sendall(h C.int64_t, p unsafe.Pointer, n C.int64_t) C.int64_t {
	return code(sock(h).SendAll(view(p, n)))
}

//export mp_sock_sendto
func mp_sock_sendto(h C.int64_t, p unsafe.Pointer, n C.int64_t, a *C.char, an C.int64_t) C.int64_t {
	ad, err := addrIn(a, an)
	if err != nil {
		return code(err)
	}
	return result(sock(h).SendTo(view(p, n), ad))
}

//export mp_sock_recv
func mp_sock_recv(h, bufsize, flags C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	b, err := sock(h).Recv(int(bufsize), int(flags))
	return giveResult(b, err, outp, outn)
}

//export mp_sock_recvfrom
func mp_sock_recvfrom(h, bufsize, flags C.int64_t, outp *unsafe.Pointer, outn *C.int64_t, ap *unsafe.Pointer, an *C.int64_t) C.int64_t {
	b, a, err := sock(h).RecvFrom(int(bufsize), int(flags))
	if err == nil {
		addrOut(a, ap, an)
	}
	return giveResult(b, err, outp, outn)
}

//export mp_sock_setopt_int
func mp_sock_setopt_int(h, level, opt, v C.int64_t) C.int64_t {
	return code(sock(h).SetOptInt(int(level), int(opt), int(int32(v))))
}

//export mp_sock_setopt_bytes
func mp_sock_setopt_bytes(h, level, opt C.int64_t, p unsafe.Pointer, n C.int64_t) C.int64_t {
	return code(sock(h).SetOptBytes(int(level), int(opt), append([]byte(nil), view(p, n)...)))
}

//export mp_sock_setopt_callback
func mp_sock_setopt_callback(h, level, opt, on C.int64_t) C.int64_t {
	var f func()
	if on != 0 {
		f = func() { notify(h) }
	}
	return code(sock(h).SetCallback(int(level), int(opt), f))
}

//export mp_sock_settimeout
func mp_sock_settimeout(h, none C.int64_t, t C.double) C.int64_t {
	return code(sock(h).SetTimeout(float64(t), none != 0))
}

//export mp_sock_setblocking
func mp_sock_setblocking(h, on C.int64_t) C.int64_t { return code(sock(h).SetBlocking(on != 0)) }

//export mp_sock_makefile
func mp_sock_makefile(h C.int64_t, m *C.char, n, buffering C.int64_t) C.int64_t {
	return code(sock(h).MakeFile(str(m, n), int(buffering)))
}

//export mp_sock_read
func mp_sock_read(h, given, size C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	b, err := sock(h).Read(int(size), given != 0)
	return giveResult(b, err, outp, outn)
}

//export mp_sock_readinto
func mp_sock_readinto(h C.int64_t, p unsafe.Pointer, n C.int64_t) C.int64_t {
	return result(sock(h).ReadInto(view(p, n)))
}

//export mp_sock_readline
func mp_sock_readline(h, max C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	b, err := sock(h).ReadLine(int(max))
	return giveResult(b, err, outp, outn)
}

//export mp_sock_write
func mp_sock_write(h C.int64_t, p unsafe.Pointer, n C.int64_t) C.int64_t {
	return result(sock(h).Write(view(p, n)))
}
