# Checks: decrypted data makes a TLS object readable, even if the socket has no data.
# Doc: select.poll; "takes into account that the library might have buffered data".
import select
from ssllab import *

c, s = tls_pair(BASE + 918)
p = select.poll()
p.register(s, select.POLLIN)
print(evs(p.poll(0)))
c.write(b"abcdef")
print(evs(p.poll(1000)))
print(get(s, 2))
print(evs(p.poll(0)))
print(get(s, 4))
print(evs(p.poll(0)))
p.register(s, select.POLLIN | select.POLLOUT)
print(evs(p.poll(0)))
