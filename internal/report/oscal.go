// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// The report as OSCAL's assessment results (https://pages.nist.gov/OSCAL/), for programs that collect evidence.
// Everything has a UUID that is made of what it names (uuid.go) and never by chance, since the same report has to give
// the same bytes. No control is ever called satisfied: the rules see only a part of each.

// oscalVersion is that of the form; vocabulary is where the names of our properties mean something.
const (
	oscalVersion = "1.1.2"
	vocabulary   = "https://github.com/partner-access/terraform-provider-partner"
)

// OSCAL returns the report as assessment results in NIST's OSCAL: everything that is held is an inventory item, each
// finding an observation on one, and each control that a finding serves a finding that the control is not satisfied.
func (r *Report) OSCAL() (string, error) {
	content, err := r.JSON()
	if err != nil {
		return "", err
	}
	plan := uuid("plan", r.Inventory.System)
	return encode(map[string]any{"assessment-results": oscalResults{
		// A document that says something else has to have another UUID.
		UUID: uuid("assessment-results", content),
		Metadata: oscalMetadata{
			Title: markupLine(cmp.Or(r.Title, "Report of partners' access")), LastModified: stamp(r.Inventory.At),
			Version: stamp(r.Inventory.At), OSCALVersion: oscalVersion,
		},
		ImportAP: oscalLink{Href: "#" + plan},
		Results:  []oscalResult{r.toResult()},
		BackMatter: oscalBackMatter{Resources: []oscalResource{{
			UUID: plan, Title: "Rules", Description: "There is no assessment plan as a document: the provider's " +
				"rules were applied to all that partners hold.",
		}}},
	}})
}

// toResult returns the assessment result: each object as an inventory item, each finding as an observation and as a
// finding of the controls that it bears on, and each gap of the journal as an observation.
func (r *Report) toResult() oscalResult {
	out := oscalResult{
		UUID:  uuid("result", r.Inventory.System, stamp(r.Inventory.At)),
		Title: markupLine("Partners' access in " + r.Inventory.System),
		Description: shown.Markdown("Everything that partners hold at " + stamp(r.Inventory.At) +
			". Period of the changes: " + r.period() + " (UTC)."),
		Start: stamp(r.start()), End: stamp(r.Inventory.At), Reviewed: r.toReviewed(),
	}
	if len(r.Inventory.Items) > 0 {
		out.Local = &oscalLocal{}
	}
	for i := range r.Inventory.Items {
		out.Local.Items = append(out.Local.Items, r.toItem(&r.Inventory.Items[i]))
	}
	for n, f := range r.Findings {
		o := r.toObservation(n, f)
		out.Observed = append(out.Observed, o)
		out.Findings = append(out.Findings, oscalFindings(f, o)...)
	}
	for n, gap := range r.Gaps {
		out.Observed = append(out.Observed, oscalObservation{
			UUID:        uuid("gap", r.Inventory.System, stamp(r.Inventory.At), strconv.Itoa(n), gap),
			Title:       "Gap in the journal",
			Description: shown.Markdown(gap), Methods: []string{"EXAMINE"}, Types: []string{"finding"},
			Collected: stamp(r.Inventory.At),
		})
	}
	return out
}

// start returns when the evidence begins: with the period's changes, or where that is open with the inventory itself.
func (r *Report) start() time.Time {
	if r.From.IsZero() || r.From.After(r.Inventory.At) {
		return r.Inventory.At
	}
	return r.From
}

// itemUUID names an object by its system, type and ids, so it is the same in every report of that system. What is of an
// included system is also told by its name here: two systems may hold one id.
func (r *Report) itemUUID(i *inventory.Item) string {
	names := []string{"item", r.Inventory.System, string(i.Type), i.ID, i.NativeID}
	if i.System != "" {
		names = append(names, i.System)
	}
	return uuid(names...)
}

// toItem returns an object as an inventory item. OSCAL wants no empty properties, which props leaves out.
func (r *Report) toItem(i *inventory.Item) oscalItem {
	return oscalItem{UUID: r.itemUUID(i), Description: markupLine(kindOf(i) + " " + label(i)), Props: props(
		"type", string(i.Type), "id", i.ID, "native-id", i.NativeID, "partner", i.Partner, "environment", i.Environment,
		"owner", i.Owner,
		"purpose", i.Purpose, "stack", i.Stack, "resource", i.Resource, "actions", strings.Join(i.Actions, ", "),
		"ends-at", stamp(i.EndsAt),
		"created-at", stamp(i.CreatedAt), "reviewed-at", stamp(i.ReviewedAt), "last-used-at", stamp(i.LastUsedAt),
		"status", i.Status,
		"flags", strings.Join(flagsOf(i), ", "), "enforced-by", i.EnforcedBy, "system", i.System,
	)}
}

// toObservation returns the n-th finding as an observation. n is part of its UUID, since two findings may say the same.
func (r *Report) toObservation(n int, f Finding) oscalObservation {
	o := oscalObservation{
		UUID: uuid("observation", r.Inventory.System, stamp(r.Inventory.At), strconv.Itoa(n), f.Rule, f.Type, f.ID,
			f.Problem),
		Title: markupLine(cmp.Or(f.Rule, "Finding")), Description: shown.Markdown(f.Problem), Methods: []string{"TEST"},
		Types:     []string{"finding"},
		Collected: stamp(r.Inventory.At), Props: props("rule", f.Rule, "level", f.Level, "type", f.Type, "id", f.ID),
		Remarks: shown.Markdown(f.Fix),
	}
	if i := r.itemOf(f); i != nil {
		o.Subjects = []oscalSubject{{UUID: r.itemUUID(i), Type: "inventory-item"}}
	}
	return o
}

// oscalFindings returns one for each control that the finding serves: OSCAL's finding has one target only.
func oscalFindings(f Finding, o oscalObservation) []oscalFinding {
	var all []oscalFinding
	for n, control := range f.Controls {
		all = append(all, oscalFinding{
			UUID: uuid("finding", o.UUID, strconv.Itoa(n), control), Title: o.Title, Description: o.Description,
			Props:   props("control", control),
			Target:  oscalTarget{Type: "objective-id", ID: token(control), Status: oscalStatus{State: "not-satisfied"}},
			Related: []oscalRelated{{UUID: o.UUID}},
		})
	}
	return all
}

// toReviewed names the controls that findings serve. It does not say that they are all there are.
func (r *Report) toReviewed() oscalReviewed {
	s := oscalSelection{Description: "The controls that the findings are about."}
	var ids []string
	for _, f := range r.Findings {
		for _, control := range f.Controls {
			ids = append(ids, token(control))
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		s.Include = append(s.Include, oscalControl{ID: id})
	}
	return oscalReviewed{Selections: []oscalSelection{s}}
}

// props returns properties of our own, given as name, value, name, value. OSCAL allows no empty ones.
func props(pairs ...string) []oscalProp {
	var all []oscalProp
	for n := 0; n+1 < len(pairs); n += 2 {
		if value := oneLine(pairs[n+1]); value != "" {
			all = append(all, oscalProp{Name: pairs[n], NS: vocabulary, Value: value})
		}
	}
	return all
}

// oneLine returns text as OSCAL's strings have to be: without ends of lines, and no blanks around it.
func oneLine(text string) string { return strings.Join(strings.Fields(shown.Visible(text)), " ") }

// markupLine returns a line of OSCAL's markup, which is Markdown, that means nothing but itself.
func markupLine(text string) string { return shown.Markdown(oneLine(text)) }

// token makes a name that OSCAL takes of a control's: "ISO 27001 A.5.18" becomes iso-27001-a.5.18. Its type is OSCAL's
// token: it begins with a letter or an underscore, so "5.5" becomes _5.5.
func token(text string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(oneLine(text)) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || r == '.' || r == '_' {
			out.WriteRune(r)
		} else {
			out.WriteByte('-')
		}
	}
	name := strings.Trim(out.String(), "-")
	if first := []rune(name + "1")[0]; !unicode.IsLetter(first) && first != '_' {
		return "_" + name
	}
	return name
}
