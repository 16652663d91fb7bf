# Checks: close of a TLS object closes the socket below; a second close does nothing; poll says NVAL.
# Doc: stream.close; "Closed or error socket, return NVAL flag".
import select
from ssllab import *

c, s = tls_pair(BASE + 924)
p = select.poll()
p.register(c)
print(evs(p.poll(0)))
print(c.close(), c.close())
print(evs(p.poll(0)))
for f in (lambda: c.read(1)), (lambda: c.write(b"x")), c.readline:
    print(failure(f).split(" ")[0])
