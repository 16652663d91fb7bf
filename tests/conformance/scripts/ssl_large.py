# Checks: 200 kB in each direction at once, non-blocking: writes take a part, everything arrives.
# Doc: stream.write: "Returns the number of bytes written."
from ssllab import *

c, s = tls_pair(BASE + 1036)
data = bytes([i * 7 % 251 for i in range(2000)]) * 100
ends = [[c, 0, 0], [s, 0, 0]]
good = True
for _ in range(20000):
    for e in ends:
        if e[1] < len(data):
            e[1] += e[0].write(data[e[1] : e[1] + 3000]) or 0
        d = e[0].read(4000)
        if d:
            good = good and d == data[e[2] : e[2] + len(d)]
            e[2] += len(d)
    if min(ends[0][1:] + ends[1][1:]) == len(data):
        break
print(good, ends[0][1:], ends[1][1:])
