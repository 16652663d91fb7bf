# What the scripts for TLS share: certificates and keys, which are only for these tests and valid
# until 2095.
#   SELF and OTHER are self-signed, with CN tls.test. OLD is the same, but has expired. CA signs
#   MIDDLE and CLIENT. MIDDLE signs LEAF, whose alternative names are a.tls.test and *.w.test.
import binascii
import ssl
import tls
from lab import *


def _der(text):
    return binascii.a2b_base64(text)


def pem(label, der):
    text = binascii.b2a_base64(der).decode().replace("\n", "")
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, "\n".join(lines), label)


SELF = _der(
    "MIIBfTCCASOgAwIBAgIUNaq9L4qTfUnNh21ia8VGs6OF7y8wCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwIdGxzLnRlc3Qw"
    "IBcNMjYxMTI5MDgxNjM3WhgPMjA5NTA1MTEwODE2MzdaMBMxETAPBgNVBAMMCHRscy50ZXN0MFkwEwYHKoZIzj0CAQYI"
    "KoZIzj0DAQcDQgAEyI7fwJZ+IUPoBDYXAj6HpA3xlNuLMtjWvCnDSiz35Y3Z5X5nOuBTmZpIqG7VR7gClodC4xIQSNtv"
    "m24mnY5Y76NTMFEwHQYDVR0OBBYEFDTHNSAIG1RzkXGDLfhsfrc9sJTDMB8GA1UdIwQYMBaAFDTHNSAIG1RzkXGDLfhs"
    "frc9sJTDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJABewRZM4AHs1z1a0CO+xteZyMHnsgqpj9Q"
    "IfZJmLwgAiBSDce+SF3lhTkLnNS9IjA6ayhc06H5Azqy44o+zEXzzg=="
)
OTHER = _der(
    "MIIBfTCCASOgAwIBAgIUJuNhH/4fjNpcqTl1iHDn5NfBoKswCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwIdGxzLnRlc3Qw"
    "IBcNMjYxMTI5MDgxNjM3WhgPMjA5NTA1MTEwODE2MzdaMBMxETAPBgNVBAMMCHRscy50ZXN0MFkwEwYHKoZIzj0CAQYI"
    "KoZIzj0DAQcDQgAEgm569PlylkxZZvra+Dwuwbc63uMJC/cEAi08rAboqAjLlcMgEaAdGHaN4Q6PHDA8nX+PKHtM9JPR"
    "aKFxiouwUKNTMFEwHQYDVR0OBBYEFKcuWW8OQNOe07GS3Uafjb0KmTwiMB8GA1UdIwQYMBaAFKcuWW8OQNOe07GS3Uaf"
    "jb0KmTwiMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgUmnTxhFZvJVUg/t8OhHcskfLaSdVzzIkoEc9"
    "euetl9wCIQDW/c1DooXTHOfDnnhFKemU+EasBtNUW8REYJWlX83p9g=="
)
OLD = _der(
    "MIIBRjCB7aADAgECAgEHMAoGCCqGSM49BAMCMBMxETAPBgNVBAMTCHRscy50ZXN0MB4XDTIwMDEwMTAwMDAwMFoXDTIx"
    "MDEwMTAwMDAwMFowEzERMA8GA1UEAxMIdGxzLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASEVfch57irJbAT"
    "tYdtTHhyEU8M5gPL9to7gEP0FmmtKT+VoOubj7EgbvJD8SOwPUk1T2VLhTlvxU7uPaonlkx5ozIwMDAPBgNVHRMBAf8E"
    "BTADAQH/MB0GA1UdDgQWBBQAsbsWhtfPlyiTFJw4s/0tXZmMhTAKBggqhkjOPQQDAgNIADBFAiEAg/CLjNidCfo2aRN/"
    "Ea8zwMl+j9LJket5fP7pQ30/IlUCIFSusTp3HtdPJ4DRMb5OnLTcsaXNjkQ/SJdolM8F5uYN"
)
CA = _der(
    "MIIBjDCCATGgAwIBAgIUVJo1HaaxxP9DeZ+0z9X6Jp7sRGAwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAg"
    "Fw0yNjExMjkwODE2MzdaGA8yMDk1MDUxMTA4MTYzN1owEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABBtCTvRRTEJcrZrJl2zu8CWcTW7cZgqG0y5zn2mXFxTlT7OcFjf6FQPkV/0b6TuZlaKVAVzR2Te3Nc9T"
    "LIYuW96jYzBhMB0GA1UdDgQWBBS31eHEVGxd5+Wb+n+x4rZlUMZAfTAfBgNVHSMEGDAWgBS31eHEVGxd5+Wb+n+x4rZl"
    "UMZAfTAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAKBggqhkjOPQQDAgNJADBGAiEArJQ1ocDRu/CMLK9C"
    "bhm3TQnB8yazUrVeN8Ri3p/v38MCIQCOPzxkL60M55ir8HUtL8aNs17lPo/jvbDoKVUORaEy2w=="
)
MIDDLE = _der(
    "MIIBfjCCASOgAwIBAgICIJQwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjkwODE2MzdaGA8y"
    "MDk1MDUxMTA4MTYzN1owFjEUMBIGA1UEAwwLVGVzdCBNaWRkbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQWbRCq"
    "mAEQ+9/wsGPUJN5rwtJ0H6LVSk4o1ZeHxiy8A2JEp6OefyNeJ/9YsHEUEaOCriKAYNjNeUNq5fnFrt/5o2MwYTAPBgNV"
    "HRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAdBgNVHQ4EFgQUgF2KD0ON8KbFTyLSFjzNs0SpeFowHwYDVR0jBBgw"
    "FoAUt9XhxFRsXeflm/p/seK2ZVDGQH0wCgYIKoZIzj0EAwIDSQAwRgIhAPbB7KpwYfA+8RhZ0NraY6toyDubRg268cik"
    "RIJc1CeSAiEA4KI7S5R21zhMhMuNj+Q/XqH+E2aSsmAZO9fcVPvkVgw="
)
LEAF = _der(
    "MIIBfzCCASWgAwIBAgICFPQwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLVGVzdCBNaWRkbGUwIBcNMjYxMTI5MDgxNjM3"
    "WhgPMjA5NTA1MTEwODE2MzdaMBQxEjAQBgNVBAMMCWxlYWYudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABExR"
    "oQKQRfPQTK2e8r5P+z2FZMkQn+7t+8a2Xgi37fTvAhj/zKrj7hZ0EDt2i4KuFo+gE2AKTrJcY3AGSBxKYuejYzBhMB8G"
    "A1UdEQQYMBaCCmEudGxzLnRlc3SCCCoudy50ZXN0MB0GA1UdDgQWBBSuz3Zf2A5w96GH6oy7g4Jx2CI7lDAfBgNVHSME"
    "GDAWgBSAXYoPQ43wpsVPItIWPM2zRKl4WjAKBggqhkjOPQQDAgNIADBFAiAodCiWHLT0xHT/8rmaO1tmWL70SSAKTFwV"
    "2JT2Yh58TAIhAIM3dlXDiswZau6NB7mlM3VPps84MN6YxOMqJOSBFEaT"
)
CLIENT = _der(
    "MIIBbTCCARKgAwIBAgICauIwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjkwODE2MzdaGA8y"
    "MDk1MDUxMTA4MTYzN1owETEPMA0GA1UEAwwGY2xpZW50MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJBVvIbzdH87H"
    "sLaEGS/mkD/611s9gJrNd3WihHmmtGS350fjPNub47zkMzoZp1t3slOdzvetm/b9ufxLLa5s9qNXMFUwEwYDVR0lBAww"
    "CgYIKwYBBQUHAwIwHQYDVR0OBBYEFNTrcgLzvzGm+4A5DlYGlF0tmcFFMB8GA1UdIwQYMBaAFLfV4cRUbF3n5Zv6f7Hi"
    "tmVQxkB9MAoGCCqGSM49BAMCA0kAMEYCIQDQJjMJo8bG57Dof4dmOyQWdEN22jbBDskmsGl1DfBxhgIhAIgBmdyPyWuW"
    "cwpUeSdGBQ/zvPcKyAinXdTfTJZqo2XX"
)
SELF_KEY = _der(
    "MHcCAQEEIHG4AuZKqPmr72iuXmyikCUItayQAL9YWwlJNXgTeOywoAoGCCqGSM49AwEHoUQDQgAEyI7fwJZ+IUPoBDYX"
    "Aj6HpA3xlNuLMtjWvCnDSiz35Y3Z5X5nOuBTmZpIqG7VR7gClodC4xIQSNtvm24mnY5Y7w=="
)
SELF_KEY8 = _der(
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcbgC5kqo+avvaK5ebKKQJQi1rJAAv1hbCUk1eBN47LCh"
    "RANCAATIjt/Aln4hQ+gENhcCPoekDfGU24sy2Na8KcNKLPfljdnlfmc64FOZmkiobtVHuAKWh0LjEhBI22+bbiadjljv"
)
OTHER_KEY = _der(
    "MHcCAQEEIBaPrQP31KvsiEfw7eIgzJVBm4xhZt+TA8VNSC360+nEoAoGCCqGSM49AwEHoUQDQgAEgm569PlylkxZZvra"
    "+Dwuwbc63uMJC/cEAi08rAboqAjLlcMgEaAdGHaN4Q6PHDA8nX+PKHtM9JPRaKFxiouwUA=="
)
OLD_KEY = _der(
    "MHcCAQEEIGaq3qwCO1xvm0r/mJuvB5csgZp5ab6e5PIDUxLK+/CioAoGCCqGSM49AwEHoUQDQgAEhFX3Iee4qyWwE7WH"
    "bUx4chFPDOYDy/baO4BD9BZprSk/laDrm4+xIG7yQ/EjsD1JNU9lS4U5b8VO7j2qJ5ZMeQ=="
)
LEAF_KEY = _der(
    "MHcCAQEEIALsQWlPn8feVwIgJ2bM5fEBgLSNCbwZ4dNTvBX06SXwoAoGCCqGSM49AwEHoUQDQgAETFGhApBF89BMrZ7y"
    "vk/7PYVkyRCf7u37xrZeCLft9O8CGP/MquPuFnQQO3aLgq4Wj6ATYApOslxjcAZIHEpi5w=="
)
CLIENT_KEY = _der(
    "MHcCAQEEIJ6+lO5l5kWMUyEldHGK87kjNFNH/5uOxd0ccpzYTYNioAoGCCqGSM49AwEHoUQDQgAEJBVvIbzdH87HsLaE"
    "GS/mkD/611s9gJrNd3WihHmmtGS350fjPNub47zkMzoZp1t3slOdzvetm/b9ufxLLa5s9g=="
)


def server(cert=SELF, key=SELF_KEY):
    c = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert, key)
    return c


def client(trusted=SELF, mode=tls.CERT_REQUIRED):
    c = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    c.verify_mode = mode
    if trusted is not None:
        c.load_verify_locations(trusted)
    return c


def failure(f, *args):
    # Returns the result of f(*args): its repr, or the exception with all its arguments.
    try:
        return repr(f(*args))
    except OSError as e:
        return "OSError " + (ename(e) if len(e.args) == 1 else repr(e.args))
    except Exception as e:
        return type(e).__name__ + " " + repr(str(e))


def wrapped(port, sctx, cctx, name=None):
    # Returns both ends of a connection, wrapped and non-blocking. The handshake has not begun.
    c, s = pair(port)
    for x in c, s:
        x.setblocking(False)
        x.setsockopt(6, 1, 1)  # TCP_NODELAY
    c = cctx.wrap_socket(c, server_hostname=name, do_handshake_on_connect=False)
    s = sctx.wrap_socket(s, server_side=True, do_handshake_on_connect=False)
    return c, s


def shake(c, s):
    # Makes the handshake by reads on both ends. Returns for each end what has failed, or None.
    bad = [None, None]
    wrote = False
    for _ in range(2000):
        for i, end in enumerate((c, s)):
            if bad[i] is not None:
                continue
            try:
                if i == 0 and not wrote:
                    wrote = bool(end.write(b"!"))
                elif i == 1 and end.read(1) == b"!":
                    return bad
            except Exception as e:
                bad[i] = failure(lambda: _again(e))
        if None not in bad:
            return bad
        settle(1)
    return "not within 2000 rounds", bad


def _again(e):
    raise e


def tls_pair(port, sctx=None, cctx=None, name="tls.test"):
    # Returns both ends after the handshake, non-blocking.
    c, s = wrapped(port, sctx or server(), cctx or client(), name)
    bad = shake(c, s)
    if bad != [None, None]:
        print("handshake", bad)
    return c, s


def get(s, n):
    # Returns n bytes from s, or fewer at the end.
    got = b""
    for _ in range(2000):
        try:
            d = s.read(n - len(got))
        except OSError as e:
            return got, e.args
        if d == b"":
            break
        got += d or b""
        if len(got) == n:
            break
        settle(1)
    return got
