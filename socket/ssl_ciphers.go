package socket

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A suite is a cipher suite of crypto/tls.
type suite struct{ *tls.CipherSuite }

// name returns mbedtls's name of the suite, which mbedtls makes from IANA's name.
func (s suite) name() string { return mbedtlsName(s.Name, s.tls13()) }

func mbedtlsName(iana string, tls13 bool) string {
	if rest, ok := strings.CutPrefix(iana, "TLS_"); ok && tls13 {
		iana = "TLS1_3_" + rest
	}
	return strings.ReplaceAll(iana, "_", "-")
}

// tls13 returns whether the suite is one of TLS 1.3. No other version uses it.
func (s suite) tls13() bool { return slices.Contains(s.SupportedVersions, tls.VersionTLS13) }

// defaultSuites returns the suites that crypto/tls enables, with those of TLS 1.3 last, and two
// more. The two are enabled in MicroPython's ports. crypto/tls prefers every other suite to them.
func defaultSuites() (list []suite) {
	for _, s := range allSuites() {
		if !s.Insecure || s.ID == tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 || s.ID == tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 {
			list = append(list, s)
		}
	}
	return list
}

func allSuites() (list []suite) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		list = append(list, suite{s})
	}
	slices.SortStableFunc(list, func(a, b suite) int {
		switch {
		case a.tls13() == b.tls13():
			return 0
		case a.tls13():
			return 1
		}
		return -1
	})
	return list
}

// suitesOf returns the suites with these names.
func suitesOf(names []string) (list []suite, err error) {
	if len(names) == 0 {
		return nil, errors.New("the list has no cipher suite")
	}
	all := allSuites()
	for _, name := range names {
		i := slices.IndexFunc(all, func(s suite) bool { return name == s.name() || name == s.Name })
		switch {
		case i >= 0:
			if !slices.Contains(list, all[i]) {
				list = append(list, all[i])
			}
		case strings.Contains(name, "PSK"):
			return nil, fmt.Errorf("cipher suite %.60q is for pre-shared keys, which crypto/tls does not have", name)
		default:
			return nil, fmt.Errorf("crypto/tls has no cipher suite %.60q", name)
		}
	}
	n := len(slices.DeleteFunc(slices.Clone(list), func(s suite) bool { return !s.tls13() }))
	if n != 0 && n != len(slices.DeleteFunc(all, func(s suite) bool { return !s.tls13() })) {
		return nil, errors.New("crypto/tls cannot enable single cipher suites of TLS 1.3; list all of them or none")
	}
	return list, nil
}

// versions returns the suites and the range of versions for a tls.Config.
func versions(list []suite) (ids []uint16, least, most uint16) {
	ids = []uint16{} // nil would mean the default suites
	least, most = tls.VersionTLS13, tls.VersionTLS12
	for _, s := range list {
		if s.tls13() {
			most = tls.VersionTLS13
		} else {
			ids, least = append(ids, s.ID), tls.VersionTLS12
		}
	}
	return ids, least, most
}

// cipherNames returns mbedtls's names for the suite and the version of a handshake.
func cipherNames(st tls.ConnectionState) (suite, version string) {
	version = strings.Replace(tls.VersionName(st.Version), "TLS ", "TLSv", 1)
	return mbedtlsName(tls.CipherSuiteName(st.CipherSuite), st.Version == tls.VersionTLS13), version
}
