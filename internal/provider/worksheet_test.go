// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// feeds are identities, each with a credential and two grants, of twenty owners, who decide on them by worksheets.
const feeds = `
locals {
  feeds     = { for n in range(FEEDS) : format("feed-%03d", n) => format("owner%02d@example.com", n % 20) }
  filled_in = { for n in range(20) : format("reviews/owner%02d.csv", n) => format("owner%02d@example.com", n) }
  sheets = { for file, by in local.filled_in : file => {
    csv       = filebase64(file), by = by, at = "2027-02-02T12:00:00Z"
    signature = try(file("${file}.sig"), null)
  } if fileexists(file) }
  decisions = provider::partner::decisions(local.sheets, data.partner_review_worksheet.all.rows, "skip")
  mistakes  = provider::partner::worksheet_mistakes(local.sheets, data.partner_review_worksheet.all.rows)
  kept      = { for name, owner in local.feeds : name => owner if try(local.decisions["acme/prod/${name}"].decision, "") != "end" }
  ways = merge([for name, owner in local.kept : {
    for way in ["in", "out"] : "${name}/${way}" => { name = name, way = way, owner = owner } if try(local.decisions["acme/prod/${name}/${way}"].decision, "") != "end"
  }]...)
}

provider "partner" {
  environment = "prod"
  worksheets  = local.sheets
}

data "partner_review_worksheet" "all" {}

data "partner_review_worksheet" "of" {
  for_each = toset(values(local.filled_in))
  owner    = each.value
}

data "partner_inventory" "all" {}

output "worksheets" { value = { for owner, w in data.partner_review_worksheet.of : owner => w.csv } }
output "reviews" { value = data.partner_inventory.all.reviews }

check "worksheets" {
  assert {
    condition     = length(local.mistakes) == 0
    error_message = join("\n", local.mistakes)
  }
}

resource "partner_identity" "feed" {
  for_each   = local.kept
  partner    = "acme"
  name       = each.key
  owner      = each.value
  purpose    = "Nightly order feed into the ERP"
  ceiling    = ["orders/acme/${each.key}/*"]
  expires_at = coalesce(try(local.decisions["acme/prod/${each.key}"].until, null), "2027-02-20T00:00:00Z")
  review     = lookup(local.decisions, "acme/prod/${each.key}", null)
}

resource "partner_credential" "feed" {
  for_each    = local.kept
  identity_id = partner_identity.feed[each.key].id
  owner       = each.value
  federated   = { issuer = "https://login.acme.test", subject = each.key, audiences = ["orders.example.com"] }
  expires_at  = provider::partner::earliest(partner_identity.feed[each.key].expires_at, coalesce(try(local.decisions["acme/prod/${each.key}/federated"].until, null), "2027-02-20T00:00:00Z"))
  review      = lookup(local.decisions, "acme/prod/${each.key}/federated", null)
}

resource "partner_grant" "feed" {
  for_each    = local.ways
  identity_id = partner_identity.feed[each.value.name].id
  name        = each.value.way
  resource    = "orders/acme/${each.value.name}/${each.value.way}/*"
  actions     = try(local.decisions["acme/prod/${each.key}"].decision, "") == "narrow" ? ["read"] : ["read", "list"]
  owner       = each.value.owner
  purpose     = "Read the files of the feed"
  expires_at  = provider::partner::earliest(partner_identity.feed[each.value.name].expires_at, coalesce(try(local.decisions["acme/prod/${each.key}"].until, null), "2027-02-20T00:00:00Z"))
  review      = lookup(local.decisions, "acme/prod/${each.key}", null)
}
`

// slips are the mistakes that the owners make in their worksheets: what becomes of a row, and how the plan names it.
var slips = []struct {
	edit  func(row []string)
	wants string
}{
	{func(r []string) { r[14] = "01/02/2028" }, `column until: "01/02/2028" could be`},
	{func(r []string) { r[14] = "next summer" }, `column until: "next summer" is no date`},
	{func(r []string) { r[14] = "31-May-27" }, `column until: "31-May-27" has a year of two digits`},
	{func(r []string) { r[14] = "46538" }, `column until: "46538" is a date as a spreadsheet counts it`},
	{func(r []string) { r[14] = "2027-01-01" }, `column until: "2027-01-01" is not after the review`},
	{func(r []string) { r[14] = "########" }, `column until: "########" is what a spreadsheet shows`},
	{func(r []string) { r[13] = "yes" }, `column decision: "yes" is no decision`},
	{func(r []string) { r[13] = "" }, `column decision: it is blank beside`},
	{func(r []string) { r[13], r[14] = "end", "2027-05-31" },
		`column until: "2027-05-31" stands beside the decision to end`},
	{func(r []string) { r[15] = "" }, `column reason: it is blank`},
	{func(r []string) { r[15] = "=A1" }, `column reason: "=A1" is a formula`},
	{func(r []string) { r[0] += "x" }, `is not the id that this row's access is of`},
	{func(r []string) { r[0] = strings.ToUpper(r[0]) }, `is no id`},
	{func(r []string) { r[11] = "" }, `column access: it is blank`},
	{func(r []string) { r[11] = r[11][:38] + "00000" + r[11][43:] }, `column access: the decision is void`},
}

// All accesses of twenty owners are reviewed by twenty worksheets, as people fill them in, with mistakes: one plan
// names these by file, row and column, and one apply renews, ends and lets lapse the rest. 125 feeds are 500 accesses;
// PARTNER_REVIEW_FEEDS takes another number.
func TestAllAccessOfTwentyOwnersIsReviewedInOneApply(t *testing.T) {
	needTerraform(t)
	slow(t)
	t.Parallel()
	n := 125 // with four accesses each; the CLI's own time grows with the square of them
	if text := os.Getenv("PARTNER_REVIEW_FEEDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	l := newLab(t)
	text := strings.NewReplacer("FEEDS", fmt.Sprint(n)).Replace(feeds)
	l.write(text)
	l.must("apply", "-auto-approve")
	l.passes(70 * day)()
	l.must("apply", "-refresh-only", "-auto-approve") // for the outputs
	var sheets map[string]string
	l.output("worksheets", &sheets)
	made := fillIn(t, l, sheets)
	l.passes(time.Hour)()
	begun := time.Now()
	signAll(t, l, sheets)
	signed := time.Since(begun)

	begun = time.Now()
	said, err := l.terraform("plan", "-out=plan")
	planned := time.Since(begun)
	if err != nil {
		t.Fatal(err, said)
	}
	warned := ""
	for _, d := range said {
		warned += d.Detail + "\n"
	}
	for _, m := range made.mistakes {
		at := strings.Index(warned, m.where)
		if line, _, _ := strings.Cut(warned[max(at, 0):], "\n"); at < 0 || !strings.Contains(line, m.wants) {
			t.Errorf("nothing says %s: %s; it says %q", m.where, m.wants, line)
		}
	}
	lines, changes := l.planned("plan")
	if lines > 21*changes {
		t.Errorf("the plan of %d changes has %d lines", changes, lines)
	}
	begun = time.Now()
	l.must("apply", "plan")
	t.Logf("%d accesses of %d owners, %d mistakes: keys, floor and signatures %s, planned in %s with %d lines about "+
		"%d changes, applied in %s", 4*n, len(sheets),
		len(made.mistakes), signed.Round(time.Second/10), planned.Round(time.Second/10), lines, changes,
		time.Since(begun).Round(time.Second/10))

	ends := map[string]time.Time{}
	records, err := l.system().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		ends[r.Object.Ref().ID] = r.EndsAt
	}
	for id, want := range made.want {
		if !ends[id].Equal(want) {
			t.Errorf("%s ends at %s, want %s (zero: it was to be ended)", id, ends[id], want)
		}
	}
	var progress map[string]int
	l.must("apply", "-refresh-only", "-auto-approve")
	l.output("reviews", &progress)
	if progress["of"] != len(ends) || progress["reviewed"] != len(ends) || progress["lapsed"] != 0 {
		t.Errorf("of %d: %v", len(ends), progress)
	}
	l.passes(25 * day)() // what nobody decided on has lapsed
	l.must("apply", "-refresh-only", "-auto-approve")
	l.output("reviews", &progress)
	lapsed := 0
	for _, want := range made.want {
		if want.Equal(declaredEnd) {
			lapsed++
		}
	}
	if progress["lapsed"] != lapsed {
		t.Errorf("%d lapsed, want %d", progress["lapsed"], lapsed)
	}
}

var (
	declaredEnd = time.Date(2027, 2, 20, 0, 0, 0, 0, time.UTC)
	decidedEnd  = time.Date(2027, 5, 31, 0, 0, 0, 0, time.UTC)
)

// output reads an output of the last apply.
func (l *lab) output(name string, to any) {
	l.t.Helper()
	cmd := exec.Command(os.Getenv(commandLine), "output", "-json", name)
	cmd.Dir, cmd.Env = l.folder, l.env
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, to)
	}
	if err != nil {
		l.t.Fatalf("output %s: %v: %s", name, err, out)
	}
}

// planned returns how many lines a kept plan prints, without its outputs, and how many changes it is of.
func (l *lab) planned(file string) (lines, changes int) {
	l.t.Helper()
	cmd := exec.Command(os.Getenv(commandLine), "show", "-no-color", file)
	cmd.Dir, cmd.Env = l.folder, l.env
	out, err := cmd.Output()
	if err != nil {
		l.t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(out), "Changes to Outputs:")
	return strings.Count(text, "\n"), strings.Count(text, "\n  # partner_")
}

// filledIn is what the owners have filled in, and what is to come of it.
type filledIn struct {
	mistakes []struct{ where, wants string }
	// want is when each is to end; zero: at once.
	want map[string]time.Time
}

// fillIn fills in worksheets as people do, each with a spreadsheet of its own, and puts them beside the
// configuration. A whole feed is kept, ended or left out; some of its grants are ended or narrowed; thirty grants are
// filled in with a mistake.
func fillIn(t *testing.T, l *lab, sheets map[string]string) filledIn {
	t.Helper()
	out := filledIn{want: map[string]time.Time{}}
	ways := []struct {
		separator rune
		date      string
		mark, crs bool
	}{{',', "2027-05-31", true, true}, {';', "31.05.2027", true, true}, {'\t', "5/31/2027", false, true},
		{',', "31-May-2027", false, false}, {';', "2027-05-31T00:00:00Z", false, false}}
	slip := 0
	owners := []string{}
	for owner := range sheets {
		owners = append(owners, owner)
	}
	slices.Sort(owners)
	for n, owner := range owners {
		way := ways[n%len(ways)]
		file := "reviews/" + strings.TrimSuffix(owner, "@example.com") + ".csv"
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(sheets[owner], "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		made := 0
		for at, row := range rows[1:] {
			var feed int
			parts := strings.Split(row[0], "/")
			if _, err := fmt.Sscanf(parts[2], "feed-%d", &feed); err != nil {
				t.Fatal(err)
			}
			last := parts[len(parts)-1]
			id, keep := row[0], func() {
				copy(row[13:], []string{"keep", way.date, "The feed still runs; \"every\" night, says " + owner})
			}
			switch {
			case feed%9 == 8: // not needed any more
				copy(row[13:], []string{"End", "", "The new ERP fetches orders itself"})
				out.want[id] = time.Time{}
			case feed%9 == 7: // nobody has decided
				out.want[id] = declaredEnd
			case last == "out" && feed%5 == 0:
				copy(row[13:], []string{"end", "", "Nothing is sent back"})
				out.want[id] = time.Time{}
			case last == "out" && feed%5 == 1:
				copy(row[13:], []string{"narrow", way.date, "Reading is enough"})
				out.want[id] = decidedEnd
			case last == "in" && made < 2 && slip < 30:
				keep()
				wrong := slips[slip%len(slips)]
				wrong.edit(row)
				out.mistakes = append(out.mistakes,
					struct{ where, wants string }{fmt.Sprintf("%s, row %d", file, at+2), wrong.wants})
				out.want[id] = declaredEnd
				slip++
				made++
			default:
				keep()
				out.want[id] = decidedEnd
			}
		}
		var text strings.Builder
		w := csv.NewWriter(&text)
		w.Comma, w.UseCRLF = way.separator, way.crs
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		mark := ""
		if way.mark {
			mark = "\ufeff"
		}
		l.put(file, mark+text.String())
	}
	return out
}

// signAll gives each owner a key, which a floor names, and signs each worksheet with ssh-keygen.
func signAll(t *testing.T, l *lab, sheets map[string]string) {
	t.Helper()
	keygen, keys := realtool.Find(t, "ssh-keygen"), t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(keygen, args...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
		}
	}
	var deciders strings.Builder
	for _, owner := range slices.Sorted(maps.Keys(sheets)) {
		name := strings.TrimSuffix(owner, "@example.com")
		key := filepath.Join(keys, name)
		run("-q", "-t", "ed25519", "-N", "", "-C", owner, "-f", key)
		run("-q", "-Y", "sign", "-n", "partner-access", "-f", key, filepath.Join(l.folder, "reviews", name+".csv"))
		line, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&deciders, "    { address = %q, owners = [%q], decides_own = true, keys = [{ key = %q }], until "+
			"= \"2027-10-31T00:00:00Z\" },\n", owner, owner, strings.TrimSpace(string(line)))
	}
	security := newLab(t)
	security.directory = l.directory
	security.passes(l.clock().Sub(security.clock()))()
	security.write("\nprovider \"partner\" {\n  environment = \"prod\"\n  stack = \"security\"\n}\n" +
		"resource \"partner_floor\" \"this\" {\n  set_by = \"ciso@example.com\"\n  require_signed = [\"review\"]\n  " +
		"deciders = [\n" + deciders.String() + "  ]\n}\n")
	security.must("apply", "-auto-approve")
}

// Without skip each mistake of all sheets is in one error, and what is asked for in another way is refused.
func TestDecisionsNameEveryMistakeAtOnce(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	l := newLab(t)
	digest := access.Digest(&access.Identity{ID: access.IdentityID{
		Partner:     "acme",
		Environment: "prod",
		Name:        "orders-etl",
	}})
	const head = "id,access,decision,until,reason\n"
	l.put("reviews/jane.csv", head+"acme/prod/orders-etl,"+digest+",keep,01/02/2027,Needed\nacme/prod/order,"+digest+
		",keep,,Needed\n")
	l.put("b.csv", head+"acme/prod/orders-etl,"+digest+",yes,,Needed\n")
	l.put("c.csv", head+"acme/prod/orders-etl,"+digest+",keep,2027-03-01,Needed\n")
	sheets := func(files ...string) string {
		var all []string
		for _, file := range files {
			all = append(all,
				fmt.Sprintf(`%q = { csv = file(%q), by = "jane.doe@example.com", at = "2026-11-20T09:00:00Z" }`, file,
					file))
		}
		return "{ " + strings.Join(all, ", ") + " }"
	}
	said := func(call string) string {
		l.write("output \"it\" { value = provider::partner::" + call + " }\n")
		all, err := l.terraform("plan", "-out=plan")
		text := ""
		for _, d := range all {
			text += d.Detail + "\n"
		}
		if err == nil {
			text = "ok\n" + text
		}
		return text
	}
	refused := said("decisions(" + sheets("reviews/jane.csv", "b.csv") + ", null)")
	printed := strings.Split(strings.TrimSpace(blocksOf(t, "docs/guides/task-review.md")("reviews/jane.csv, row 2,")),
		"\n")
	for _, want := range append(printed, "b.csv, row 2, column decision: \"yes\" is no decision", "\"skip\"") {
		if !strings.Contains(refused, want) {
			t.Errorf("the error does not say %q:\n%s", want, refused)
		}
	}
	if text := said("decisions(" + sheets("c.csv") + ", [], \"ignore\")"); !strings.Contains(text,
		"Write \"skip\", or leave it out.") {
		t.Errorf("ignore is taken: %s", text)
	}
	if text := said("decisions(" + sheets("reviews/jane.csv", "b.csv", "c.csv") +
		", null, \"skip\")[\"acme/prod/orders-etl\"].until"); !strings.HasPrefix(text, "ok") {
		t.Errorf("the right row is not taken: %s", text)
	}
	if text := said("worksheet_mistakes(" + sheets("c.csv") + ", null)"); !strings.HasPrefix(text, "ok") {
		t.Errorf("no mistakes are an error: %s", text)
	}
}
