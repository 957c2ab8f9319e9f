package openbao

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// kinds are the kinds of credentials that are offered. OpenBao's SSH engine cannot revoke what it signed.
var kinds = []access.Kind{access.Federated, access.Certificate, access.Secret}

// Capabilities says what OpenBao can do. It makes no request.
func (s *System) Capabilities() access.Capabilities {
	return access.Capabilities{
		Name:    "openbao",
		Kinds:   slices.Clone(kinds),
		Fixed:   []access.Kind{access.Certificate, access.Secret},
		LogsUse: true, KnowsLastUse: true,
		CheckGrant: checkGrant,
		SystemPath: systemPath,
		Privileged: privileged,
		CutByHand:  s.cutPartner,
		CannotEnd:  cannotEnd,
	}
}

func checkGrant(g *access.Grant) error {
	for _, action := range g.Actions {
		if action != "*" && !slices.Contains(policy.Actions(), action) {
			return fmt.Errorf("OpenBao has no action %q: it has %s", action, strings.Join(policy.Actions(), ", "))
		}
	}
	return nil
}

// own are the paths below auth/ that are a holder's own business: they pass nothing on.
var own = []access.Pattern{"auth/token/renew-self", "auth/token/lookup-self", "auth/token/revoke-self"}

// administration are the paths of OpenBao's own administration, and what passes access on.
var administration = []struct {
	pattern access.Pattern
	why     string
}{
	{"sys", "it reaches sys/, which administers OpenBao"},
	{"sys/*", "it reaches sys/, which administers OpenBao"},
	{"auth", "it reaches auth/, where tokens and credentials are made"},
	{"auth/*", "it reaches auth/, where tokens and credentials are made"},
	{"identity", "it reaches identity/, which says who may do what"},
	{"identity/*", "it reaches identity/, which says who may do what"},
	{"+/roles/*", "it reaches the roles of an engine, which say for whom credentials are made"},
	{"+/root/*", "it reaches the root of an engine, which all that it issues rests on"},
	{"+/config/*", "it reaches the configuration of an engine"},
	{"+/sign-verbatim", "sign-verbatim signs whatever it is given"},
	{"+/sign-verbatim/*", "sign-verbatim signs whatever it is given"},
}

func systemPath(p access.Pattern) string {
	if slices.ContainsFunc(own, func(self access.Pattern) bool { return self == p }) {
		return ""
	}
	for _, a := range administration {
		if p.Overlaps(a.pattern) && reaches(p, a.pattern) {
			return a.why
		}
	}
	return ""
}

// reaches says whether a pattern is about the administration, and does not only overlap with it by a wildcard in the name
// of a mount: a/* below one's own mount may well have a folder roles.
func reaches(p, admin access.Pattern) bool {
	if admin.Segments()[0] != "+" {
		return true
	}
	segments := p.Segments()
	return len(segments) > 1 && segments[1] == admin.Segments()[1]
}

// privilege are the second segments of paths that give out credentials or keys.
var privilege = map[string]string{
	"issue": "it issues certificates", "sign": "it signs certificates or keys", "creds": "it gives out credentials of another system",
	"static-creds": "it gives out credentials of another system", "export": "it exports keys", "keys": "it administers keys",
}

func privileged(p access.Pattern, _ []string) string {
	if segments := p.Segments(); len(segments) > 1 {
		return privilege[segments[1]]
	}
	return ""
}

// lastMoment is the last second of a year that RFC 3339 can write.
var lastMoment = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

func cannotEnd(_ access.Object, end time.Time) string {
	switch {
	case end.IsZero():
		return "it has no end"
	case end.After(lastMoment):
		return "OpenBao reads no moment after " + lastMoment.Format(time.RFC3339)
	}
	return ""
}
