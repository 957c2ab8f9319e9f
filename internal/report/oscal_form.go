// SPDX-License-Identifier: MPL-2.0

package report

// What follows is as much of the form of OSCAL as the report needs, under the names that OSCAL has.

// oscalResults is a document of assessment results.
type oscalResults struct {
	UUID       string          `json:"uuid"`
	Metadata   oscalMetadata   `json:"metadata"`
	ImportAP   oscalLink       `json:"import-ap"`
	Results    []oscalResult   `json:"results"`
	BackMatter oscalBackMatter `json:"back-matter"`
}

// oscalMetadata tells one version of the document from another. Version is the report's moment: a later report is the
// later version.
type oscalMetadata struct {
	Title        string `json:"title"`
	LastModified string `json:"last-modified"`
	Version      string `json:"version"`
	OSCALVersion string `json:"oscal-version"`
}

// oscalLink refers to the assessment plan, which OSCAL demands. Ours is a resource of the back matter: "#" and its
// UUID.
type oscalLink struct {
	Href string `json:"href"`
}

type oscalBackMatter struct {
	Resources []oscalResource `json:"resources"`
}

// oscalResource stands for something that is no part of the document.
type oscalResource struct {
	UUID        string `json:"uuid"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// OSCAL has no empty lists: what has none of something has no field for it.
type oscalResult struct {
	UUID        string             `json:"uuid"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Start       string             `json:"start"`
	End         string             `json:"end"`
	Local       *oscalLocal        `json:"local-definitions,omitempty"`
	Reviewed    oscalReviewed      `json:"reviewed-controls"`
	Observed    []oscalObservation `json:"observations,omitempty"`
	Findings    []oscalFinding     `json:"findings,omitempty"`
}

// oscalLocal has what only this document knows: here, the objects that partners hold.
type oscalLocal struct {
	Items []oscalItem `json:"inventory-items"`
}

// oscalItem is one object, in OSCAL's words an inventory item. All that OSCAL has no field for is a property.
type oscalItem struct {
	UUID        string      `json:"uuid"`
	Description string      `json:"description"`
	Props       []oscalProp `json:"props,omitempty"`
}

// oscalProp is a property. NS says whose the name is: without it, it would be one of OSCAL's own.
type oscalProp struct {
	Name  string `json:"name"`
	NS    string `json:"ns"`
	Value string `json:"value"`
}

// oscalReviewed says which controls were looked at. OSCAL demands it of each result.
type oscalReviewed struct {
	Selections []oscalSelection `json:"control-selections"`
}

type oscalSelection struct {
	Description string         `json:"description"`
	Include     []oscalControl `json:"include-controls,omitempty"`
}

type oscalControl struct {
	ID string `json:"control-id"`
}

// oscalObservation is one thing that was seen. Methods are TEST for a rule that was applied, and EXAMINE for a journal
// that was read.
type oscalObservation struct {
	UUID        string         `json:"uuid"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Props       []oscalProp    `json:"props,omitempty"`
	Methods     []string       `json:"methods"`
	Types       []string       `json:"types"`
	Subjects    []oscalSubject `json:"subjects,omitempty"`
	Collected   string         `json:"collected"`
	Remarks     string         `json:"remarks,omitempty"`
}

type oscalSubject struct {
	UUID string `json:"subject-uuid"`
	Type string `json:"type"`
}

// oscalFinding is what an observation means for one control.
type oscalFinding struct {
	UUID        string         `json:"uuid"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Props       []oscalProp    `json:"props,omitempty"`
	Target      oscalTarget    `json:"target"`
	Related     []oscalRelated `json:"related-observations"`
}

type oscalTarget struct {
	Type   string      `json:"type"`
	ID     string      `json:"target-id"`
	Status oscalStatus `json:"status"`
}

// oscalStatus is "satisfied" or "not-satisfied"; this program only ever says the second.
type oscalStatus struct {
	State string `json:"state"`
}

// oscalRelated refers to the observation that a finding rests on.
type oscalRelated struct {
	UUID string `json:"observation-uuid"`
}
