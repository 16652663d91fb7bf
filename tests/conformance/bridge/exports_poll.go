//go:build cgo

package main

// #include <stdint.h>
import "C"

import (
	"encoding/binary"
	"encoding/json"
	"unsafe"
)

func poller(h C.int64_t) Poll {
	mu.Lock()
	defer mu.Unlock()
	return polls[int64(h)]
}

func pollable(kind, h int64) Pollable {
	switch kind {
	case kindSocket:
		mu.Lock()
		defer mu.Unlock()
		return socks[h]
	case kindObject:
		mu.Lock()
		defer mu.Unlock()
		o := objects[h]
		if o == nil {
			o = &Object{Key: h}
			objects[h] = o
		}
		return o
	}
	return FD(h)
}

func kindOf(p Pollable) (int64, int64) {
	switch v := p.(type) {
	case *Object:
		return kindObject, v.Key
	case FD:
		return kindFD, int64(v)
	}
	mu.Lock()
	defer mu.Unlock()
	return kindSocket, handles[p.(Sock)]
}

func triples(evs []Event) []byte {
	var b []byte
	for _, e := range evs {
		k, h := kindOf(e.Obj)
		for _, v := range []int64{k, h, int64(e.Events)} {
			b = binary.NativeEndian.AppendUint64(b, uint64(v))
		}
	}
	return b
}

//export mp_poll_new
func mp_poll_new() C.int64_t {
	p := impl.NewPoll()
	mu.Lock()
	defer mu.Unlock()
	next++
	polls[next] = p
	return C.int64_t(next)
}

//export mp_poll_free
func mp_poll_free(h C.int64_t) C.int64_t {
	mu.Lock()
	defer mu.Unlock()
	delete(polls, int64(h))
	return 0
}

//export mp_poll_register
func mp_poll_register(h, kind, key, mask C.int64_t) C.int64_t {
	return code(poller(h).Register(pollable(int64(kind), int64(key)), int(mask)))
}

//export mp_poll_modify
func mp_poll_modify(h, kind, key, mask C.int64_t) C.int64_t {
	return code(poller(h).Modify(pollable(int64(kind), int64(key)), int(mask)))
}

//export mp_poll_unregister
func mp_poll_unregister(h, kind, key C.int64_t) C.int64_t {
	return code(poller(h).Unregister(pollable(int64(kind), int64(key))))
}

//export mp_poll_poll
func mp_poll_poll(h, ms C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	evs, err := poller(h).Poll(int(ms))
	return giveResult(triples(evs), err, outp, outn)
}

//export mp_poll_ipoll
func mp_poll_ipoll(h, ms, flags C.int64_t) C.int64_t {
	return code(poller(h).IPoll(int(ms), int(flags)))
}

//export mp_poll_next
func mp_poll_next(h C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	e, ok := poller(h).Next()
	if !ok {
		return 0
	}
	give(triples([]Event{e}), outp, outn)
	return 1
}

//export mp_select
func mp_select(req *C.char, n C.int64_t, t C.double, forever C.int64_t, outp *unsafe.Pointer, outn *C.int64_t) C.int64_t {
	var keys [3][][2]int64
	if err := json.Unmarshal([]byte(str(req, n)), &keys); err != nil {
		return -30002
	}
	var in [3][]Pollable
	for i := range keys {
		for _, k := range keys[i] {
			in[i] = append(in[i], pollable(k[0], k[1]))
		}
	}
	r, w, x, err := impl.Select(in[0], in[1], in[2], float64(t), forever != 0)
	if err != nil {
		return code(err)
	}
	res := [3][][2]int64{{}, {}, {}}
	for i, l := range [][]Pollable{r, w, x} {
		for _, p := range l {
			k, h := kindOf(p)
			res[i] = append(res[i], [2]int64{k, h})
		}
	}
	b, _ := json.Marshal(res)
	return giveResult(b, nil, outp, outn)
}
