// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// inUTF16 is a text as PowerShell's > and old editors write it, without the mark that Terraform would refuse.
func inUTF16(text string, bigEndian bool) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(text)) {
		pair := []byte{byte(c), byte(c >> 8)}
		if bigEndian {
			pair[0], pair[1] = pair[1], pair[0]
		}
		b = append(b, pair...)
	}
	return string(b)
}

// certificateOf is a certificate of a key, in DER.
func certificateOf(t *testing.T) []byte {
	t.Helper()
	key := ecKey(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "depot"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

type sent struct{ text, says string } // says is "" where it is taken

// What partners really send: forwarded, pasted, exported, saved by an editor. What is clear is taken, and the rest is
// told what it is and what to write. Nothing whole is said to be damaged.
func TestRequestsAsTheyAreSent(t *testing.T) {
	plain := crafted(t, ecKey(t), nil, name(0x0c, "depot"), noAttributes)
	der, line := derOf(plain), strings.TrimSpace(plain)
	replaced := func(old, by string) string { return strings.ReplaceAll(plain, old, by) }
	unfinished, _, _ := strings.Cut(plain, "-----END")
	const hyphens, askFor = "with five hyphens on either side", "from -----BEGIN CERTIFICATE REQUEST----- to its end"
	for how, c := range map[string]sent{
		"quoted in a mail":              {"> " + strings.ReplaceAll(line, "\n", "\n> "), ""},
		"quoted twice":                  {">> " + strings.ReplaceAll(line, "\n", "\n>> "), ""},
		"on one line, with spaces":      {replaced("\n", " "), ""},
		"on one line, with nothing":     {replaced("\n", ""), ""},
		"in quotes":                     {`"` + line + `"`, ""},
		"in quotes of a word processor": {"“" + line + "”", ""},
		"the same twice":                {plain + "\n" + plain, ""},
		"small letters":                 {replaced("CERTIFICATE REQUEST", "certificate request"), ""},
		"the old header, the new end":   {strings.Replace(plain, "BEGIN CERT", "BEGIN NEW CERT", 1), ""},
		"without the padding":           {replaced("=", ""), ""},
		"a chain before it": {block("CERTIFICATE", certificateOf(t)) +
			block("CERTIFICATE", certificateOf(t)) + plain, ""},
		"its public key before it": {block("PUBLIC KEY", der[9:]) + plain, ""},
		"a signed mail": {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" +
			strings.ReplaceAll(plain, "-----BEGIN", "- -----BEGIN") +
			"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n", ""},
		"quoted-printable": {strings.ReplaceAll(plain[:100]+"=\n"+plain[100:], "==", "=3D=3D"),
			"quoted-printable"},
		"a byte order mark in the middle": {"As you asked:\n\ufeff" + plain, ""},
		"vertical tabs and form feeds":    {"\f" + replaced("\n", "\v\n"), ""},
		"a zero-width space at the end":   {plain + "\u200b", ""},
		"UTF-16, little endian":           {inUTF16(plain, false), "UTF-16"},
		"UTF-16, big endian":              {inUTF16(plain, true), "UTF-16"},
		"UTF-16 by filebase64": {base64.StdEncoding.EncodeToString([]byte("\xff\xfe" +
			inUTF16(plain, false))), "UTF-16"},
		"PEM by filebase64": {base64.StdEncoding.EncodeToString([]byte(plain)),
			`write file("...") for filebase64`},
		"DER by filebase64": {base64.StdEncoding.EncodeToString(der), "openssl req -inform DER"},
		"DER in the alphabet of addresses": {base64.RawURLEncoding.EncodeToString(der),
			"without its BEGIN and END lines"},
		"a certificate by filebase64": {base64.StdEncoding.EncodeToString(certificateOf(t)),
			"it is the base64 text of a CERTIFICATE, not a request"},
		"DER":                        {string([]rune{'0', 0x201, 0, 0xfffd}) + "abc", "it is no text, but DER"},
		"a wrong encoding":           {replaced("M", "\ufffd"), "wrong encoding"},
		"dashes of a word processor": {replaced("-----", "—–—"), hyphens},
		"four hyphens":               {replaced("-----", "----"), hyphens},
		"a space behind the hyphens": {replaced("-----BEGIN", "----- BEGIN"), hyphens},
		"no first line":              {plain[strings.Index(plain, "\n")+1:], "its first line is missing"},
		"no last line":               {unfinished, "cut off"},
		"of a diff": {"+" + strings.ReplaceAll(line, "\n", "\n+"),
			`as in a list or a diff, such as "+"`},
		"with the numbers of its lines": {"1  " + strings.ReplaceAll(line, "\n", "\n2  "),
			`as in a list or a diff, such as "2  "`},
		"of a table": {"| " + strings.ReplaceAll(line, "\n", "\n| "),
			`as in a list or a diff, such as "| "`},
		"six hyphens":   {replaced("-----", "------"), "'-' in it"},
		"of a web page": {replaced("\n", "<br>"), "'<' in it"},
		"a certificate that is called one": {block("CERTIFICATE REQUEST", certificateOf(t)),
			"what is in it is a CERTIFICATE"},
		"a request that is called another": {block("CERTIFICATE", der),
			"it is called a CERTIFICATE, and what is in it is a request"},
		"a certificate": {block("CERTIFICATE", certificateOf(t)),
			"it is a CERTIFICATE, not a request: write the request in PEM, " + askFor},
		"PKCS #7":              {block("PKCS7", der[9:]), "it is a PKCS7, not a request"},
		"a revocation list":    {block("X509 CRL", der[9:]), "it is an X509 CRL, not a request"},
		"the name of the file": {"partners/acme.csr", `write file("...")`},
		"a Java keystore by filebase64": {base64.StdEncoding.EncodeToString([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02" +
			strings.Repeat("\xff", 60))), "of a key store"},
		"PKCS #12 by filebase64": {base64.StdEncoding.EncodeToString([]byte("0\x82\x05\x01\x02\x01\x030\x82\x04\xc7\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x01" + strings.Repeat("\xff", 60))), "holds a private key"},
		"of Netscape": {"SPKAC=" + base64.StdEncoding.EncodeToString(der),
			"it is an SPKAC, not a request"},
		"the name of a file of Windows": {`C:\Users\jane\acme.req`, `write file("...")`},
		"the call as text":              {`file("acme.csr")`, `write file("...")`},
		"an address":                    {"https://acme.test/depot.csr", "nothing is fetched from there"},
		"a JSON Web Key":                {`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}`, "it is a JSON Web Key, not a request"},
		"two that differ": {plain + crafted(t, ecKey(t), nil, name(0x0c, "depot"), noAttributes),
			"there are 2 requests in it (of the key SHA256:"},
		"a private key by filebase64": {base64.StdEncoding.EncodeToString([]byte("-----BEGIN PRIVATE " +
			"KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n")), "private key"},
		"a line that a spreadsheet escaped": {fmt.Sprintf("%q", plain), `\n`},
	} {
		r, err := ParseRequest(c.text)
		switch {
		case c.says == "" && (err != nil || string(derOf(r.PEM())) != string(der)):
			t.Errorf("%s: %v", how, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want it to say %q", how, err, c.says)
		}
	}
}

// blobOf is a blob of SSH of parts.
func blobOf(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func TestSSHKeysAsTheyAreSent(t *testing.T) {
	line, blob := sshPublic(t)
	second, otherBlob := sshPublic(t)
	const alone, hosts = "words stand before the key", "a line of known_hosts"
	for how, c := range map[string]sent{
		"in quotes":                     {`"` + line + ` depot"`, ""},
		"in quotes of a word processor": {"“" + line + "”", ""},
		"quoted in a mail":              {"> " + line, ""},
		"the same twice":                {line + "\n" + line + " again", ""},
		"RFC 4716 twice":                {rfc(blob) + rfc(blob), ""},
		"RFC 4716 and its line":         {rfc(blob) + line, ""},
		"RFC 4716 with a comment of lines": {"---- BEGIN SSH2 PUBLIC KEY ----\nComment: a comment\nthat goes on " +
			"without a mark\n" + blob + "\n---- END SSH2 PUBLIC KEY ----\n", ""},
		"RFC 4716 with headers of its own": {strings.Replace(rfc(blob), "Comment",
			"x-of: depot\nSubject: feed\nComment", 1), ""},
		"a heredoc with its end":          {"<<EOT\n  " + line + "\nEOT\n", ""},
		"one of two is a comment":         {"# " + second + "\n" + line, ""},
		"RFC 4716 and another key's line": {rfc(otherBlob) + line, "there are 2 keys"},
		"RFC 4716 on one line":            {strings.ReplaceAll(rfc(blob), "\n", " "), "RFC 4716"},
		"a list":                          {"- " + line, alone},
		"a label":                         {"key: " + line, alone},
		"JSON": {`{"publicKey": "` + line + `"}`,
			"something stands right before ssh-ed25519"},
		"HTML":              {"<pre>" + line + "</pre>", "something stands right before ssh-ed25519"},
		"a line of a shell": {"KEY='" + line + "'", "something stands right before ssh-ed25519"},
		"a signature": {"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n-----END SSH " +
			"SIGNATURE-----\n", "it is an SSH SIGNATURE, not"},
		"its fingerprint": {"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
			"it is the fingerprint of a key"},
		"what ssh-keygen -l says": {"256 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU acme (ED25519)",
			"it is the fingerprint of a key"},
		"an older fingerprint": {"256 MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48 acme (ED25519)",
			"it is the fingerprint of a key"},
		"empty":      {" \n", "it is empty: write the line"},
		"a sentence": {"please take " + line, alone},
		"a command with words": {`command="echo ssh-rsa AAAA hi",no-pty ` + line,
			"options before the key"},
		"an authority's key":            {`cert-authority,principals="depot" ` + line, "the key of an authority"},
		"from and principals":           {`from="203.0.113.7" principals="a,b" ` + line, "options before the key"},
		"a marked line of known_hosts":  {"@cert-authority *.acme.test " + line, hosts},
		"a revoked line of known_hosts": {"@revoked * " + line, hosts},
		"the name of a signature": {"rsa-sha2-512 " + blob,
			"it says rsa-sha2-512, and the key behind it is of the kind ssh-ed25519: write ssh-ed25519"},
		"capital letters":      {"SSH-ED25519 " + blob, "write ssh-ed25519"},
		"a short name":         {"ed25519 " + blob, "write ssh-ed25519"},
		"only in a comment":    {"#" + line, "stands in a comment"},
		"the name of the file": {"~/.ssh/id_ed25519.pub", `write file("...")`},
		"an address":           {"https://github.com/acme.keys", "nothing is fetched from there"},
		"by filebase64": {base64.StdEncoding.EncodeToString([]byte(line)),
			`write file("...") for filebase64`},
		"UTF-16":                       {inUTF16(line, false), "UTF-16"},
		"a zero-width space before it": {"\u200b" + line, "a zero-width space"},
		"a zero-width space in it":     {line[:40] + "\u200b" + line[40:], "a zero-width space"},
		"a byte order mark behind it":  {line + "\ufeff", "a byte order mark"},
		"a line end as text":           {line + `\n`, `its line ends are written as \n`},
		"RSA with a great exponent": {"ssh-rsa " +
			blobOf("ssh-rsa", "\x01\x00\x00\x00\x01", "\x00"+strings.Repeat("\xf1", 256)),
			"key has a size or an exponent that is not supported"},
		"RSA with an even exponent": {"ssh-rsa " +
			blobOf("ssh-rsa", "\x02", "\x00"+strings.Repeat("\xf1", 256)),
			"key has a size or an exponent that is not supported"},
		"DSA of 2048 bits": {"ssh-dss " +
			blobOf("ssh-dss", "\x00"+strings.Repeat("\xf1", 256), "\x01", "\x01", "\x01"),
			"key has a size or an exponent that is not supported"},
		"a kind of tomorrow": {"ssh-mldsa-44@openssh.com " +
			blobOf("ssh-mldsa-44@openssh.com", strings.Repeat("k", 90)) + " jane",
			"its key is of the kind ssh-mldsa-44@openssh.com, which is not supported"},
		"RSA that is cut off": {"ssh-rsa " +
			blobOf("ssh-rsa", "\x01\x00\x01", strings.Repeat("\x71", 256))[:200], "its ssh-rsa key is not whole"},
		"Ed448": {"ssh-ed448 AAAACXNzaC1lZDQ0OAAAADk" + strings.Repeat("A", 76),
			"its key is Ed448, which is not supported: ask the partner for"},
		"a fingerprint": {"256 SHA256:jfd3Yzv6jMCrZ4i4rB8+Xk0sPqIoBtd0zSfCeSbKbQk depot (ED25519)",
			"it is the fingerprint of a key"},
		"a certificate in PEM": {block("CERTIFICATE", []byte("01234567890123456789")),
			"it is a CERTIFICATE, not an SSH public key"},
		"a key of an RFC 4716 without name": {strings.Replace(rfc(blob), blob[:40], "AAAAAAAA", 1), "RFC 4716"},
	} {
		k, err := ParseSSHKey(c.text)
		switch {
		case c.says == "" && (err != nil || k.Line() != line):
			t.Errorf("%s: %v", how, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want it to say %q", how, err, c.says)
		}
		if r, err := ParseRecipient(c.text); c.says == "" && (err != nil || r.String() != line) {
			t.Errorf("%s as a recipient: %v", how, err)
		}
	}
}

func TestRecipientsAsTheyAreSent(t *testing.T) {
	const key = "age1g4cmkag7wz6v70vmx3zlacnx0ep6x2c4pa348w75gt6t4m97047sq7l5wg"
	line, _ := sshPublic(t)
	for how, c := range map[string]sent{
		"a comment behind it":        {key + " # ACME's depot", ""},
		"a word behind it":           {key + "\tdepot", ""},
		"as age-keygen says it":      {"Public key: " + key + "\n", ""},
		"in quotes":                  {"'" + key + "'", ""},
		"of a list":                  {"- " + key + ",", ""},
		"the same twice":             {key + "\n" + strings.ToUpper(key), ""},
		"a no-break space behind it": {key + "\u00a0", ""},
		"only in a comment": {"# created: 2026-11-29T00:00:00Z\n# public key: " + key + "\n",
			"stands in a comment"},
		"a capital letter":   {"A" + key[1:], "write it in lower case"},
		"broken over lines":  {key[:30] + "\n" + key[30:], "broken over 2 lines"},
		"a zero-width space": {key[:30] + "\u200b" + key[30:], "a zero-width space"},
		"a line end as text": {key + `\n`, `its line ends are written as \n`},
		"a plugin's": {"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
			"age plugin"},
		"a plugin's in capitals": {"AGE1YUBIKEY1QWT50D05NH5VUTPDZMLG5WN80XQ5NEGM4UJ9GHV0SNVDD3YYSF5YW3RHL3T",
			"age plugin"},
		"in angle brackets":            {"ACME <" + key + ">", ""},
		"at the end of a sentence":     {"Use " + key + ".", ""},
		"the same twice, with a comma": {key + "," + key, ""},
		"two, with a comma": {key + ",age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
			"there are 2 keys in it (age1...q7l5wg, age1...qqqqqq): write one"},
		"a one for an l": {key[:len(key)-4] + "1" + key[len(key)-3:], "it is no whole age key"},
		"an account":     {"github:acme", "nothing is fetched from there"},
		"cut off":        {key[:40], "it is no whole age key"},
		"two keys on a line": {key + " age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
			"there are 2 keys in it (age1...q7l5wg, age1...qqqqqq): write one"},
		"two keys": {key + "\nage1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
			"there are 2 keys in it (age1...q7l5wg, age1...qqqqqq): write one"},
		"a key of each kind": {key + "\n" + line,
			"there are 2 keys in it (age1...q7l5wg, ssh-ed25519 SHA256:"},
		"the name of the file": {"keys/acme.age", `write file("...")`},
		"empty":                {"", "it is empty: write one of age1"},
		"UTF-16":               {inUTF16(key, false), "UTF-16"},
		"an encrypted file": {"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3Jn\n-----END " +
			"AGE ENCRYPTED FILE-----\n", "it is an AGE ENCRYPTED FILE"},
		"an SSH key that speaks of a key": {line + " " + key, "ssh"},
	} {
		r, err := ParseRecipient(c.text)
		switch {
		case c.says == "ssh" && (err != nil || r.String() != line), c.says == "" && (err != nil || r.String() != key):
			t.Errorf("%s: %q, %v", how, r, err)
		case c.says != "" &&
			c.says != "ssh" &&
			(err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want it to say %q", how, err, c.says)
		}
	}
}
