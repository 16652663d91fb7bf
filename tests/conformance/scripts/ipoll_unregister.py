# Checks: ipoll does not yield an object that is unregistered during the iteration.
# A modified object comes with the events that were found.
# Doc: poll.ipoll, poll.unregister.
import select
from lab import *

c, s = pair(BASE + 1107)
p = select.poll()
p.register(c, select.POLLOUT)
p.register(s, select.POLLOUT)
n = 0
for t in p.ipoll(0):
    n += 1
    p.unregister(s if t[0] is c else c)
print(n)
p.register(c, select.POLLOUT)
p.register(s, select.POLLOUT)
seen = []
for t in p.ipoll(0):
    seen.append(t[1])
    p.modify(c, select.POLLIN)
    p.modify(s, select.POLLIN)
print(seen)
print(p.poll(0))
