# Checks: the verify mode that each protocol starts with, and setting it.
# Doc: SSLContext.verify_mode: "Set or get the behaviour for verification of peer certificates."
from ssllab import *

for module in tls, ssl:
    for protocol in module.PROTOCOL_TLS_CLIENT, module.PROTOCOL_TLS_SERVER:
        c = module.SSLContext(protocol)
        print(module.__name__, protocol, c.verify_mode)
        for mode in module.CERT_OPTIONAL, module.CERT_REQUIRED, module.CERT_NONE:
            c.verify_mode = mode
            print(c.verify_mode)
