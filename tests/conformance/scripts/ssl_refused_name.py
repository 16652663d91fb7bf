# Checks: another host name is a ValueError with mbedtls's text; the server gets the alert.
# Doc: "server_hostname ... sets the hostname to check against the received server certificate."
from ssllab import *

for name in "tls.test", "TLS.Test", "other.test", "x.tls.test":
    c, s = wrapped(BASE + 906, server(), client(), name)
    print(name, shake(c, s))
