# Checks: calls after a refused certificate, and after the alert on the other side.
# Doc: Exceptions: "OSError is used".
from ssllab import *
c, s = wrapped(BASE + 1030, server(OLD, OLD_KEY), client(SELF), "other.test")
print(shake(c, s))
for _ in range(2):
    print(failure(c.read, 1))
    print(failure(c.write, b"x"))
    print(failure(s.read, 1))
