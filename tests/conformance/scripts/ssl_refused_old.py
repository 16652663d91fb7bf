# Checks: expired, untrusted, and both at once: the texts are mbedtls's.
# Doc: "ssl.CERT_REQUIRED requires the device's date/time to be properly set".
from ssllab import *

for what, cert, key, trusted in (("expired", OLD, OLD_KEY, OLD), ("untrusted", SELF, SELF_KEY, OTHER), ("both", OLD, OLD_KEY, SELF)):
    c, s = wrapped(BASE + 908, server(cert, key), client(trusted), "tls.test")
    print(what, shake(c, s))
for mode in tls.CERT_NONE, tls.CERT_OPTIONAL:
    c, s = wrapped(BASE + 908, server(OLD, OLD_KEY), client(SELF, mode), "other.test")
    print(mode, shake(c, s))
