// SPDX-License-Identifier: MPL-2.0

package signed

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What people have signs: each kind of key that ssh-keygen makes without hardware, by the newest and by the
// oldest of it that is here.
func TestSignaturesOfTheRealProgramCount(t *testing.T) {
	for _, program := range []string{"ssh-keygen", "ssh-keygen-8.4"} {
		for name, kind := range map[string][]string{
			"ed25519": {"-t", "ed25519"}, "rsa 2048": {"-t", "rsa", "-b", "2048"},
			"rsa 3072":  {"-t", "rsa", "-b", "3072"},
			"ecdsa 256": {"-t", "ecdsa", "-b", "256"}, "ecdsa 384": {"-t", "ecdsa", "-b", "384"},
			"ecdsa 521": {"-t", "ecdsa", "-b", "521"},
		} {
			t.Run(program+"/"+name, func(t *testing.T) {
				t.Parallel()
				file, public := keyPair(t, kind...)
				deciders := []access.Decider{decider("bob@example.com", plainKey(t).line()),
					decider("jane@example.com", public)}
				text := sign(t, program, file, Namespace, content)
				for how, given := range map[string]string{
					"as written":                text,
					"with Windows' line ends":   strings.ReplaceAll(text, "\n", "\r\n"),
					"without its last line end": strings.TrimSpace(text),
				} {
					if d, err := Check([]byte(content), given, deciders, now); err != nil ||
						d.Address != "jane@example.com" {
						t.Errorf("%s: %v, %v", how, d, err)
					}
				}
				if _, err := Check([]byte(content+" "), text, deciders,
					now); err != ErrOther { //nolint:errorlint // itself
					t.Errorf("changed content: %v", err)
				}
			})
		}
	}
}

// No hardware key is here. What one answers is made by the format, and ssh-keygen itself is the judge of
// whether that is right.
func TestSignaturesOfHardwareKeysCount(t *testing.T) {
	for name, key := range map[string]*signingKey{
		"sk-ssh-ed25519": hardwareKey(t, said(1)),
		"sk-ecdsa":       hardwareCurve(t, said(1)),
		"with a PIN":     hardwareKey(t, said(5)),
	} {
		t.Run(name, func(t *testing.T) {
			text := sound(key).make()
			if _, err := Check([]byte(content), text, []access.Decider{decider("jane@example.com", key.line())},
				now); err != nil {
				t.Error(err)
			}
			judge(t, key.line(), text)
		})
	}
}

// judge has the real ssh-keygen verify.
func judge(t *testing.T, public, text string) {
	t.Helper()
	signers := filepath.Join(t.TempDir(), "signers")
	signature := filepath.Join(t.TempDir(), "signature")
	for file, text := range map[string]string{signers: "jane@example.com " + public + "\n", signature: text} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keygen(t, "ssh-keygen", content, "-Y", "verify", "-n", Namespace, "-f", signers, "-I", "jane@example.com", "-s",
		signature)
}

// A forgery is a signature that must not count, and why it does not.
type forgery struct {
	text string
	why  string
}

func TestForgeriesAreRefusedWithTheirReason(t *testing.T) {
	key := plainKey(t)
	other := plainKey(t)
	hard := hardwareKey(t, said(1))
	rsaFile, rsaPublic := keyPair(t, "-t", "rsa", "-b", "2048")
	weakFile, weakPublic := keyPair(t, "-t", "rsa", "-b", "1024")
	curveFile, curvePublic := keyPair(t, "-t", "ecdsa", "-b", "256")
	revoked := plainKey(t)
	expired := plainKey(t)
	early := plainKey(t)
	left := plainKey(t)
	gone := decider("left@example.com", left.line())
	gone.Until = access.At(now)
	deciders := []access.Decider{
		decider("jane@example.com", key.line(), hard.line(), rsaPublic, curvePublic), gone,
		{Address: "bob@example.com", Until: access.At(now.AddDate(1, 0, 0)), Keys: []access.DeciderKey{
			{Key: revoked.line(), Revoked: true}, {Key: expired.line(), ValidBefore: access.At(now)},
			{Key: early.line(), ValidAfter: access.At(now.Add(time.Second))},
		}},
	}
	whole := sound(key).make()
	edit := func(of *signingKey, change func(*parts)) string {
		p := sound(of)
		change(&p)
		return p.make()
	}
	as := func(change func(string) string) string { return change(whole) }
	untouched := hardwareKey(t, said(0))
	unasked := hardwareKey(t, said(4))
	deciders[0].Keys = append(deciders[0].Keys, access.DeciderKey{Key: untouched.line()},
		access.DeciderKey{Key: unasked.line()})
	cut := func(n int) string {
		blob, _ := unarmor(whole)
		return armor(blob[:len(blob)-n])
	}
	certificate := certified(t, rsaFile)
	signing := func(format string, rest []byte) func(*parts) {
		return func(p *parts) {
			made := p.signs
			p.signs = func(data []byte) []byte {
				var s ssh.Signature
				if err := ssh.Unmarshal(made(data), &s); err != nil {
					t.Fatal(err)
				}
				if format == "" {
					format = s.Format
				}
				return inner(format, s.Blob, append(s.Rest, rest...))
			}
		}
	}
	forgeries := map[string]forgery{
		// For something else.
		"for a commit":                   {edit(key, func(p *parts) { p.namespace = "git" }), `made for "git"`},
		"for a file":                     {edit(key, func(p *parts) { p.namespace = "file" }), `made for "file"`},
		"for nothing":                    {edit(key, func(p *parts) { p.namespace = "" }), `made for ""`},
		"for the name in capitals":       {edit(key, func(p *parts) { p.namespace = "PARTNER-ACCESS" }), "made for"},
		"for a longer name":              {edit(key, func(p *parts) { p.namespace += "\x00" }), "made for"},
		"the name was put in afterwards": {as(renamed(t, key, "git")), ErrOther.Error()},
		"for a login (session data)": {edit(key,
			func(p *parts) { p.signs = func([]byte) []byte { return key.signs([]byte("session")) } }),
			ErrOther.Error()},
		"of the bare content": {edit(key,
			func(p *parts) { p.signs = func([]byte) []byte { return key.signs([]byte(content)) } }), ErrOther.Error()},
		// Over something else.
		"over changed content": {edit(key,
			func(p *parts) { p.over = strings.Replace(content, "keep", "end", 1) }), ErrOther.Error()},
		"over content with another end": {edit(key, func(p *parts) { p.over = strings.TrimSpace(content) }),
			ErrOther.Error()},
		"over content of Windows": {edit(key,
			func(p *parts) { p.over = strings.ReplaceAll(content, "\n", "\r\n") }), ErrOther.Error()},
		"over content with a mark before": {edit(key, func(p *parts) { p.over = "\ufeff" + content }),
			ErrOther.Error()},
		"over nothing":           {edit(key, func(p *parts) { p.over = "" }), ErrOther.Error()},
		"over the content twice": {edit(key, func(p *parts) { p.over += content }), ErrOther.Error()},
		// By somebody else.
		"by an unknown key": {sound(other).make(), "which is no decider's"},
		"by an unknown key, under ours": {edit(other, func(p *parts) { p.public = key.public.Marshal() }),
			ErrOther.Error()},
		"by our key, under an unknown": {edit(key, func(p *parts) { p.public = other.public.Marshal() }),
			"which is no decider's"},
		"by a revoked key":                {sound(revoked).make(), "of bob@example.com, and the key is revoked"},
		"by a key whose time is over":     {sound(expired).make(), "valid before 2026-11-30T08:00:00Z only"},
		"by a key whose time is to come":  {sound(early).make(), "valid only after 2026-11-30T08:00:01Z"},
		"by a decider whose time is over": {sound(left).make(), "a decider until 2026-11-30T08:00:00Z only"},
		"by a short RSA key": {sign(t, "ssh-keygen", weakFile, Namespace, content),
			"RSA key of 1024 bits"},
		"by a certificate": {edit(signerOf(t, rsaFile, ssh.KeyAlgoRSASHA512),
			func(p *parts) { p.public = certificate }), "made with a certificate"},
		"by no key": {edit(key, func(p *parts) { p.public = nil }), "the key in it is none"},
		"by a key with something behind": {edit(key, func(p *parts) { p.public = append(p.public, 0) }),
			"the key in it is none"},
		"by a key of an unknown kind": {edit(key,
			func(p *parts) { p.public = ssh.Marshal(struct{ K, B string }{"ssh-ed448", "x"}) }),
			"the key in it is none"},
		"by a hardware key untouched":  {sound(untouched).make(), "nobody touched the hardware key"},
		"by one that only asked a PIN": {sound(unasked).make(), "nobody touched the hardware key"},
		// By other means.
		"RSA with SHA-1": {sound(signerOf(t, rsaFile, ssh.KeyAlgoRSA)).make(),
			"SHA-1, which can be forged"},
		"RSA, called what it is not": {edit(signerOf(t, rsaFile, ssh.KeyAlgoRSASHA512),
			signing(ssh.KeyAlgoRSASHA256, nil)), ErrOther.Error()},
		"Ed25519, called ECDSA": {edit(key, signing(ssh.KeyAlgoECDSA256, nil)), "of the kind"},
		"ECDSA, called another curve": {edit(signerOf(t, curveFile, ssh.KeyAlgoECDSA256),
			signing(ssh.KeyAlgoECDSA384, nil)), "of the kind"},
		"a hardware key's, called another": {edit(hard, signing(ssh.KeyAlgoED25519, nil)), "of the kind"},
		"of a hardware key in a browser": {edit(hard, signing("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", nil)),
			"of the kind"},
		"hashed with SHA-1":             {edit(key, func(p *parts) { p.hash = "sha1" }), `its hash is "sha1"`},
		"hashed with MD5":               {edit(key, func(p *parts) { p.hash = "md5" }), `its hash is "md5"`},
		"not hashed":                    {edit(key, func(p *parts) { p.hash = "" }), `its hash is ""`},
		"hashed otherwise than it says": {as(rehashed(t, key)), ErrOther.Error()},
		"of another version":            {edit(key, func(p *parts) { p.version = 2 }), "of version 2"},
		"of version 0":                  {edit(key, func(p *parts) { p.version = 0 }), "of version 0"},
		"of another format": {edit(key, func(p *parts) { p.magic = "SSHSIH" }),
			"first bytes are not SSHSIG"},
		"with something reserved": {edit(key, func(p *parts) { p.reserved = "until=2099" }),
			"its reserved field is not empty"},
		"with something behind it": {edit(key, func(p *parts) { p.behind = "x" }),
			"extra bytes after the signature"},
		"with something behind the inner": {edit(key, signing("", []byte{1})), "extra bytes after the signature"},
		"a hardware key's without its flag": {edit(hard, func(p *parts) {
			signs := p.signs
			p.signs = func(d []byte) []byte { s := signs(d); return s[:len(s)-5] }
		}), "beside its signature is missing"},
		"a hardware key's with a longer one": {edit(hard, signing("", []byte{0})),
			"beside its signature is missing, or too long"},
		"a hardware key's with another flag": {edit(hard, func(p *parts) {
			signs := p.signs
			p.signs = func(d []byte) []byte { s := signs(d); s[len(s)-5] = 5; return s }
		}), ErrOther.Error()},
		// Not whole, or not alone.
		"empty":       {"", "it is empty"},
		"white space": {" \n\t", "it is empty"},
		"by PGP":      {"-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----\n", "by PGP"},
		"without its first line": {as(func(s string) string { return strings.Join(strings.Split(s, "\n")[1:], "\n") }),
			"does not begin with"},
		"without its last line": {as(func(s string) string { return strings.Split(s, end)[0] }), "does not end with"},
		"with a text before":    {"signed by jane\n" + whole, "does not begin with"},
		"with a text behind":    {whole + "signed by jane\n", "does not end with"},
		"two":                   {whole + whole, "more than one signature"},
		"cut off by a byte":     {cut(1), "it is cut off"},
		"its inner cut off": {edit(key,
			func(p *parts) { signs := p.signs; p.signs = func(d []byte) []byte { return signs(d)[:20] } }),
			"the signature in it is not whole"},
		"cut off in the middle": {cut(80), "it is cut off"},
		"a letter that is none": {as(func(s string) string { return strings.Replace(s, "U1NIU0lH", "U1NIU0l!", 1) }),
			"a character in it is wrong"},
		"a space in it": {as(func(s string) string { return strings.Replace(s, "U1NI", "U1 NI", 1) }),
			"a character in it is wrong"},
		"a letter missing": {as(func(s string) string { return strings.Replace(s, "U1NIU0lH", "U1NIU0l", 1) }),
			"a character in it is wrong, missing or too many"},
		"its line as JSON": {as(func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }),
			"does not begin with"},
		"longer than any": {begin + "\n" + strings.Repeat("A", most) + "\n" + end, "longer than any signature"},
		"a public key":    {key.line(), "does not begin with"},
	}
	deciders = append(deciders, decider("weak@example.com", weakPublic))
	if len(forgeries) < 40 {
		t.Fatalf("%d forgeries", len(forgeries))
	}
	for name, f := range forgeries {
		if d, err := Check([]byte(content), f.text, deciders, now); err == nil ||
			!strings.Contains(err.Error(), f.why) {
			t.Errorf("%s: %v, %v; want %q", name, d, err, f.why)
		}
	}
	if _, err := Check([]byte(content), whole, deciders, now); err != nil {
		t.Fatal("what all of them are made of does not count:", err)
	}
	if _, err := Check([]byte(content), edit(key, func(p *parts) { p.hash = "sha256" }), deciders, now); err != nil {
		t.Error("hashed with SHA-256:", err)
	}
}

// certified returns a user certificate for the key in a file, as it stands in a signature.
func certified(t *testing.T, file string) []byte {
	t.Helper()
	ca, _ := keyPair(t, "-t", "ed25519")
	keygen(t, "ssh-keygen", "", "-q", "-s", ca, "-I", "jane", "-n", "jane", file+".pub")
	line, err := os.ReadFile(file + "-cert.pub")
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	return key.Marshal()
}

// renamed makes a signature for another purpose, and writes ours over that.
func renamed(t *testing.T, key *signingKey, namespace string) func(string) string {
	return func(string) string {
		p := sound(key)
		p.namespace = namespace
		theirs := innerOf(t, p.make())
		p.namespace, p.signs = Namespace, func([]byte) []byte { return theirs }
		return p.make()
	}
}

// rehashed says SHA-256 over a signature that is made with SHA-512.
func rehashed(t *testing.T, key *signingKey) func(string) string {
	return func(whole string) string {
		p := sound(key)
		made := innerOf(t, whole)
		p.hash, p.signs = "sha256", func([]byte) []byte { return made }
		return p.make()
	}
}

func innerOf(t *testing.T, text string) []byte {
	t.Helper()
	blob, err := unarmor(text)
	var e envelope
	if err == nil {
		err = ssh.Unmarshal(blob, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e.Signature
}

// Whatever bit of a signature is another, or of its armor: it does not count. Nor does any bit of what it is over.
func TestNoFlippedBitCounts(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 7 // each bit of a byte in its turn
	}
	rsaFile, rsaPublic := keyPair(t, "-t", "rsa", "-b", "2048")
	curveFile, curvePublic := keyPair(t, "-t", "ecdsa")
	hard := hardwareKey(t, said(1))
	hardCurve := hardwareCurve(t, said(1))
	plain := plainKey(t)
	deciders := []access.Decider{decider("jane@example.com", rsaPublic, curvePublic, hard.line(), hardCurve.line(),
		plain.line())}
	for name, text := range map[string]string{
		"rsa":     sign(t, "ssh-keygen", rsaFile, Namespace, content),
		"ecdsa":   sign(t, "ssh-keygen", curveFile, Namespace, content),
		"ed25519": sound(plain).make(), "sk": sound(hard).make(), "sk-ecdsa": sound(hardCurve).make(),
	} {
		blob, err := unarmor(text)
		if err != nil {
			t.Fatal(err)
		}
		for bit := 0; bit < len(blob)*8; bit += stride {
			if _, err := Check([]byte(content), armor(flipped(blob, bit)), deciders, now); err == nil {
				t.Errorf("%s: bit %d of its bytes does not matter", name, bit)
			}
		}
		if text = strings.TrimSpace(text); name != "ed25519" {
			continue // the armor and the content are everybody's
		}
		for bit := 0; bit < len(text)*8; bit += stride {
			if _, err := Check([]byte(content), string(flipped([]byte(text), bit)), deciders, now); err == nil {
				t.Errorf("%s: bit %d of its armor does not matter: %q", name, bit, flipped([]byte(text), bit)[bit/8])
			}
		}
		for bit := 0; bit < len(content)*8; bit += stride {
			if _, err := Check(flipped([]byte(content), bit), text, deciders, now); err == nil {
				t.Errorf("%s: bit %d of the content does not matter", name, bit)
			}
		}
	}
}

func flipped(from []byte, bit int) []byte {
	b := append([]byte(nil), from...)
	b[bit/8] ^= 1 << (bit % 8)
	return b
}

// Whatever stands in the place of a signature: it is refused with words, and nothing falls over.
func TestAnythingElseIsRefused(t *testing.T) {
	key := plainKey(t)
	deciders := []access.Decider{decider("jane@example.com", key.line())}
	blob, err := unarmor(sound(key).make())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		odd := append([]byte(nil), blob...)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			at := rapid.IntRange(0, len(odd)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				odd[at] = rapid.Byte().Draw(t, "byte")
			case 1:
				odd = append(odd[:at], odd[at+1:]...)
			case 2:
				odd = append(odd[:at:at], append([]byte{rapid.Byte().Draw(t, "byte")}, odd[at:]...)...)
			}
		}
		d, err := Check([]byte(content), armor(odd), deciders, now)
		if (err == nil && string(odd) != string(blob)) || (err != nil && err.Error() == "") {
			t.Fatalf("%s: %v, %v", base64.StdEncoding.EncodeToString(odd), d, err)
		}
	})
}
