# Checks: the stream methods on TLS, non-blocking: None if no data is there.
# Doc: "The returned object has the usual stream interface methods like read(), write(), etc."
from ssllab import *

c, s = tls_pair(BASE + 900)
print(s.read(5), s.readline(), s.readinto(bytearray(3)))
print(c.write(b"hello world\nline two\nrest"))
print(get(s, 5))
print(s.readline(), s.readline())
b = bytearray(3)
print(s.readinto(b), b)
print(s.readline(), s.read(3))
print(s.write(b""), s.write(b"back"))
print(get(c, 4))
print([hasattr(c, n) for n in ("read", "readinto", "readline", "write", "setblocking", "close", "cipher")])
