# Checks: after a refused connect, with or without a timeout, the socket is as new.
# Doc: connect, poll.poll; connect(2) itself delivers the error.
import select
from lab import *

P = BASE + 1104


def events(s, mask):
    p = select.poll()
    p.register(s, mask)
    return [e for o, e in p.poll(0)]


def as_new(s):
    # 20 and 16 on Linux; a kqueue reports nothing for a socket that was never connected
    return events(s, 5) == events(tcp(), 5) and events(s, 1) == events(tcp(), 1)


for timeout in (None, 0.5):
    s = tcp()
    s.settimeout(timeout)
    show("connect", s.connect, addr(P))
    print(as_new(s))
    s.settimeout(0)
    for name, args in (("recv", (5,)), ("recvfrom", (5,)), ("read", (5,)), ("read", ()), ("readline", ()), ("readinto", (bytearray(3),))):
        show(name, getattr(s, name), *args)
    show("listen", s.listen, 1)
    s.close()
s = tcp()
show("connect", s.connect, addr(P))
show("bind", s.bind, addr(P + 1))
show("listen", s.listen, 1)
c = tcp()
show("connect", c.connect, addr(P))
show("connect elsewhere", c.connect, addr(P + 1))
s.close()
c.close()
s = tcp()
s.setblocking(False)
show("connect", s.connect, addr(P))
time.sleep(0.05)
show("again", s.connect, addr(P))
print(as_new(s))
show("recv", s.recv, 5)
