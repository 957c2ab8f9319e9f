// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What the words of grants mean in IAM. A service has a few words of its own, and a company adds others (own.go). What
// has no word is not granted.

// builtIn returns the words of each service, and the actions of IAM that each stands for. Nobody writes to it. It is
// made once, since a plan of thousands of grants asks for it with each comparison.
//
// GetQueueUrl is with both words of SQS, since clients ask it for the queue's address before anything else. ListBucket
// is apart from reading: it shows the names of what it does not let read.
var builtIn = sync.OnceValue(func() map[string]map[string][]string {
	return map[string]map[string][]string{
		"s3": {
			"read":   {"s3:GetObject"},
			"list":   {"s3:ListBucket"},
			"write":  {"s3:AbortMultipartUpload", "s3:PutObject"},
			"delete": {"s3:DeleteObject"},
		},
		"sqs": {
			"send": {"sqs:GetQueueUrl", "sqs:SendMessage"},
			"receive": {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
				"sqs:ReceiveMessage"},
		},
		"sns":            {"publish": {"sns:Publish"}},
		"secretsmanager": {"read": {"secretsmanager:GetSecretValue"}},
		"kms":            {"decrypt": {"kms:Decrypt"}, "encrypt": {"kms:GenerateDataKey"}},
		"dynamodb": {
			"read":  {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"},
			"write": {"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
		},
		"execute-api": {"invoke": {"execute-api:Invoke"}},
	}
})

// listing is the word of S3 that is granted on a bucket, and not on what lies in it (see listed).
const listing = "list"

// administrations are the services that say who may do what, and what each is in words. No partner is granted any of
// them: whoever may write a policy has everything.
var administrations = map[string]string{
	"iam":            "IAM, which decides who may do what",
	"sts":            "STS, which issues sessions",
	"organizations":  "AWS Organizations, which rules over accounts",
	"sso":            "IAM Identity Center, which gives people access",
	"sso-directory":  "IAM Identity Center, which gives people access",
	"sso-oauth":      "IAM Identity Center, which gives people access",
	"identitystore":  "IAM Identity Center, which gives people access",
	"account":        "the account itself",
	"rolesanywhere":  "IAM Roles Anywhere, which issues sessions",
	"ram":            "AWS RAM, which shares the account's resources with others",
	"cloudformation": "CloudFormation, which acts with roles of its own",
	"signin":         "AWS Sign-In, which issues sessions",
	"ds":             "AWS Directory Service, which decides who may log in",
	"ds-data":        "AWS Directory Service, which decides who may log in",
	"apigateway":     "the administration of API Gateway, which issues keys for APIs",
}

// starters are the services whose access AWS checks only when it starts, and why: nothing ends what was started, so no
// grant on them could end by itself.
var starters = map[string]string{
	"rds-db":               "AWS checks a login to a database only when it starts",
	"eks":                  "AWS checks access to Kubernetes only when a token is issued",
	"ssm":                  "AWS checks a session of Systems Manager only when it starts",
	"ssmmessages":          "AWS checks a session of Systems Manager only when it starts",
	"ecs":                  "AWS checks a shell in a container only when it starts",
	"ec2-instance-connect": "AWS checks a login to a machine only when it starts",
	"cognito-identity":     "what Cognito issues works beyond the end",
}

// Words are what the actions of grants mean: those of the services, and the company's own. The zero value has those of
// the services. It is never changed once it is made.
type Words struct {
	// Region is where own words are valid if the ARN names no region; "" if there is none.
	Region string
	// own are the company's words, each with its actions, sorted: observe = [ec2:DescribeInstances].
	own map[string][]string
}

// Does returns what a word lets do on a pattern, so that two words which let do the same are known as one. They are
// IAM's actions in small letters, as IAM knows no case. GetQueueUrl is left out beside others: it only tells where a
// queue is, and would make sending and receiving one thing.
//
// It is nil for a word that the company has no more.
func (w Words) Does(p access.Pattern, word string) (does []string) {
	a, err := parseARN(p)
	if err != nil {
		return nil
	}
	actions, _, _ := w.actions(a, word)
	for _, action := range actions {
		if action != "sqs:GetQueueUrl" || len(actions) == 1 {
			does = append(does, strings.ToLower(action))
		}
	}
	return does
}

// needsNoResource reports whether an action is one that AWS often allows on everything or on nothing: what describes
// and what lists.
func needsNoResource(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "List")
}

// actions returns what a word means on an ARN, sorted, and whether it is a word of the company's own. The error says
// why it means nothing there.
func (w Words) actions(a ARN, word string) (actions []string, own bool, err error) {
	if actions, is := builtIn()[a.Service][word]; is {
		return actions, false, w.fits(a, word)
	}
	for _, action := range w.own[word] {
		if strings.HasPrefix(action, a.Service+":") {
			actions = append(actions, action)
		}
	}
	switch {
	case len(actions) > 0:
		return actions, true, ownFits(a, word, actions)
	case w.own[word] != nil:
		return nil, false, fmt.Errorf("%s stands for no action of %s: it stands for %s", word, a.Service,
			strings.Join(w.own[word], ", "))
	}
	return nil, false, fmt.Errorf("%s has no action %q: %s", a.Service, word, w.known(a.Service))
}

// fits refuses words on what they do not open, where IAM would take the statement and allow nothing by it.
func (w Words) fits(a ARN, word string) error {
	if a.Service == "s3" && word == listing && !a.open() {
		return fmt.Errorf("%s is one object, but list shows the content of a folder: end in /*, or leave list out", a)
	}
	if a.Service == "dynamodb" && word == "write" && len(a.segments()) > 2 {
		return fmt.Errorf("%s is an index, which cannot be written to: write to the table", a)
	}
	return nil
}

// ownFits refuses own words on a whole service, but for what AWS allows on nothing narrower: those are bound to one
// region of one account.
func ownFits(a ARN, word string, actions []string) error {
	switch {
	case a.Resource == "*":
		return fmt.Errorf("%s has a wildcard where its resource is named: write more before it", a)
	case a.Resource != "":
		return nil
	case a.Region == "" || a.Account == "":
		return fmt.Errorf("%s names no region or no account: without a resource, an ARN means a service in one region "+
			"of one account", a)
	}
	for _, action := range actions {
		if !needsNoResource(action) {
			return fmt.Errorf("%s names no resource, but %s contains %s: without a resource, only actions that begin "+
				"with Describe or List work", a, word, action)
		}
	}
	return nil
}

// known says which words there are for a service, as the end of an error.
func (w Words) known(service string) string {
	words := slices.Collect(maps.Keys(builtIn()[service]))
	for word, actions := range w.own {
		if slices.ContainsFunc(actions, func(a string) bool { return strings.HasPrefix(a, service+":") }) {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return "it has none here. Words of your own stand in aws.actions, as in observe = [\"ec2:DescribeInstances\"]"
	}
	slices.Sort(words)
	return "it has " + strings.Join(words, ", ")
}

// CheckGrant returns why AWS has no such action on such a resource. What a rule refuses, with its reason, is left to
// that rule.
func (w Words) CheckGrant(g *access.Grant) error {
	a, err := parseARN(g.Resource)
	if err != nil {
		return err
	}
	if administrations[a.Service] != "" {
		return nil // scope/system-path
	}
	for _, word := range g.Actions {
		if word == "*" || w.CannotEnd(g) != "" {
			continue // scope/wildcard-action, expiry/cannot-be-enforced
		}
		if _, _, err := w.actions(a, word); err != nil {
			return err
		}
	}
	if here := PartitionOf(w.Region).Name; w.Region != "" && a.Partition != here {
		return fmt.Errorf("%s is in the partition %s, but the provider's region %s is in %s: nothing reaches from one "+
			"into the other", a, a.Partition, w.Region, here)
	}
	return nil
}

// CannotEnd returns why AWS could not end a grant by itself; "" if it can. On a service of starters, a word that is
// known is the company's, whose actions end (NewWords); one that is not known is taken for what would start something.
func (w Words) CannotEnd(g *access.Grant) string {
	a, err := parseARN(g.Resource)
	if err != nil {
		return ""
	}
	why := starters[a.Service]
	for _, word := range g.Actions {
		if _, _, err := w.actions(a, word); why != "" && err != nil {
			return why + ", so nothing would end what was started"
		}
	}
	return ""
}

// Reach returns what actions on a pattern reach, for the rules that compare partners: the things behind the ARN, the
// administration of AWS, and what would be privileged. To sign with a key is privileged: others believe what was
// signed.
func (w Words) Reach(p access.Pattern, words []string) access.Reach {
	a, err := parseARN(p)
	if err != nil {
		return access.Reach{} // a grant is refused before; a ceiling only limits
	}
	if what := administrations[a.Service]; what != "" {
		return access.Reach{System: "it reaches " + what}
	}
	r := access.Reach{Targets: a.targets(), Place: a.place()}
	for _, word := range words {
		actions, _, err := w.actions(a, word)
		if err == nil && slices.Contains(actions, "kms:Sign") {
			r.Privileged = word + " signs in the name of the key's owner"
		}
	}
	return r
}
