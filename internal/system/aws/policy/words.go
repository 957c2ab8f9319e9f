// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// builtIn returns the words of each service, and the actions of IAM that each stands for. Nobody writes to it.
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

// listing is the word of S3 that is granted on a bucket and not on what lies in it.
const listing = "list"

// administrations are the services that say who may do what, and why no partner is granted any of them.
var administrations = map[string]string{
	"iam": "IAM, which decides who may do what", "sts": "STS, which issues sessions",
	"organizations": "AWS Organizations, which rules over accounts",
	"sso":           "IAM Identity Center, which gives people access",
	"sso-directory": "IAM Identity Center, which gives people access",
	"identitystore": "IAM Identity Center, which gives people access", "account": "the account itself",
	"rolesanywhere":  "IAM Roles Anywhere, which issues sessions",
	"ram":            "AWS RAM, which shares the account's resources with others",
	"cloudformation": "CloudFormation, which acts with roles of its own",
	"signin":         "AWS Sign-In, which issues sessions",
	"sso-oauth":      "IAM Identity Center, which gives people access",
	"ds":             "AWS Directory Service, which decides who may log in",
	"ds-data":        "AWS Directory Service, which decides who may log in",
	"apigateway":     "the administration of API Gateway, which issues keys for APIs",
}

// starters are the services whose access AWS checks only when it starts: nothing ends what was started.
var starters = map[string]string{
	"rds-db": "AWS checks a login to a database only when it starts", "eks": "AWS checks access to Kubernetes only " +
		"when a token is issued",
	"ssm":                  "AWS checks a session of Systems Manager only when it starts",
	"ssmmessages":          "AWS checks a session of Systems Manager only when it starts",
	"ecs":                  "AWS checks a shell in a container only when it starts",
	"ec2-instance-connect": "AWS checks a login to a machine only when it starts",
	"cognito-identity":     "what Cognito issues works beyond the end",
}

// startingActions are the actions of these and other services by which something starts, or is given out, that outlives
// them, where their names do not say so.
var startingActions = []string{
	"ssm:StartSession", "ssm:ResumeSession", "ssm:SendCommand", "ssm:StartAutomationExecution", "ecs:ExecuteCommand",
	"s3:GetDataAccess",
	"s3express:CreateSession", "codebuild:StartBuild", "codebuild:StartBuildBatch", "cognito-idp:AdminInitiateAuth",
	"dsql:DbConnect", "dsql:DbConnectAdmin", "elasticache:Connect", "kafka-cluster:Connect", "memorydb:Connect",
	"ssm:CreateAssociation", "ssm:StartAssociationsOnce", "ssm:StartChangeRequestExecution",
	"ssm:UpdateAssociation", "codecommit:GitPull", "iot:Connect", "airflow:InvokeRestApi", "cloudshell:CreateSession",
	"ssm-guiconnect:StartConnection", "workspaces:Stream", "logs:StartLiveTail", "states:StartExecution",
	"emr-serverless:GetDashboardForJobRun",
	"gamelift:GetComputeAccess", "gamelift:GetInstanceAccess", "lakeformation:GetDataAccess",
	// What goes on by itself: messages to whoever subscribed, and events to their targets.
	"sns:Subscribe", "sns:ConfirmSubscription", "logs:PutSubscriptionFilter", "events:PutRule", "events:PutTargets",
	"scheduler:CreateSchedule",
	"scheduler:UpdateSchedule", "lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping",
	"s3:PutBucketNotification",
	"s3:PutInventoryConfiguration", "s3:PutBucketLogging",
}

// secretActions read, and answer with a password or a key that opens something else, which their names do not say
// (glue:GetConnection: the reference of AWS Glue's API, at HidePassword).
var secretActions = []string{
	"amplify:GetApp", "amplify:GetBranch", "amplify:ListApps", "amplify:ListBranches", "chime:GetAttendee",
	"chime:ListAttendees", "codepipeline:GetJobDetails",
	"codepipeline:GetThirdPartyJobDetails", "cognito-idp:DescribeIdentityProvider",
	"cognito-idp:DescribeUserPoolClient", "directconnect:DescribeVirtualInterfaces",
	"ec2:DescribeVpnConnections", "ec2:GetPasswordData", "ec2:GetVpnConnectionDeviceSampleConfiguration",
	"firehose:DescribeDeliveryStream", "geo:DescribeKey",
	"glue:GetConnection", "glue:GetConnections", "lambda:GetFunction", "managedblockchain:GetAccessor",
	"mediapackage:DescribeChannel", "mediapackage:ListChannels",
	"snowball:GetJobUnlockCode", "storagegateway:DescribeChapCredentials",
}

// handlesData are the names of actions that do nothing but read, write, send or delete data, at each request, or invoke
// what the company made for it. What is not among them is refused: what creates, runs, stops, registers or changes a
// thing leaves it so, or lets it act with a role of its own.
var handlesData = regexp.MustCompile(`^(Batch)?(` +
	`(Classify|Converse|Detect|Head|Query|Read|Select|Translate)[A-Za-z0-9]*|` +
	`(Decrypt|Encrypt)(Data)?|ReEncrypt(Data|From|To)|Generate(DataKey|DataKeyWithoutPlaintext|Mac)|Sign|Verify(Mac)?|` +
	`Receive(Message|Messages)?|Retrieve(AndGenerate)?|Scan|CheckLayerAvailability|SynthesizeSpeech|Invoke(Function|Model|ModelWithResponseStream|Endpoint)?|StartSyncExecution|` +
	`Put(Data|Document|Events?|File|Image|Item|LogEvents|Message|MetricData|Object|ObjectTagging|Records?|RecordBatch)|Update(Item|ThingShadow)|Publish(Batch)?|` +
	`Send(Message|MessageBatch|Messages|TextMessage|Email|RawEmail|TemplatedEmail|BulkEmail|BulkTemplatedEmail|TaskFailure|TaskHeartbeat|TaskSuccess)|` +
	`Write(Data[A-Za-z]*|GetObjectResponse|Item|Records)|Upload(Archive|LayerPart|MultipartPart|Part)|Initiate(LayerUpload|MultipartUpload)|Complete(LayerUpload|MultipartUpload)|` +
	`AbortMultipartUpload|Post(Content|Text)|` +
	`Delete(Archive|Item|Message|MessageBatch|Object|ObjectTagging|ObjectVersion|ObjectVersionTagging|Record)|` +
	`PartiQL(Delete|Insert|Select|Update)|ChangeMessageVisibility(Batch)?|ConditionCheckItem|CreateLogStream|ESHttp(Get|Head)|RestoreObject|` +
	`(Start|Stop|Cancel)Query|(Start|Stop)QueryExecution)$`)

// knownData names some of these to whoever wrote another one.
const knownData = "what begins with Describe, Get, List and Query, and such as PutObject, DeleteObject, PutItem, " +
	"UpdateItem, DeleteItem, PutRecord, PutEvents, SendMessage, DeleteMessage, InvokeFunction and StartQueryExecution"

// givesOut is how actions are called that give out a login, in whatever service, also where they only read.
var givesOut = regexp.MustCompile(`(?i)(tokens?|credentials?|passwords?|(api|access|stream|private)keys?|urls?|accessdetails|authcode)((with|for)\w+)?$`)

// givesNone are called like what gives out a login, and give none.
var givesNone = []string{"secretsmanager:GetRandomPassword", "sqs:GetQueueUrl"}

// passing are words in the names of actions that pass access on, or administer what gives it out.
var passing = []string{
	"policy", "permission", "passrole", "assume", "grant", "acl", "accesskey", "loginprofile", "accesspoint",
	"ownership", "publicaccess",
	"updatefunction", "devendpoint", "replication", "updatestatemachine", "updatedomainconfig", "setqueueattributes",
	"settopicattributes",
	"instanceprofile", "datalakesettings", "createuser", "registeruser", "setuser", "password", "sshpublickey",
	"keypair", "apikey", "certificate",
}

// keyUse are the actions of KMS that use a key; all others administer it.
var keyUse = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
	"kms:GenerateMac",
	"kms:GetPublicKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Sign", "kms:Verify", "kms:VerifyMac",
}

// Words are what the actions of grants mean: those of the services, and the company's own.
type Words struct {
	// Region is where own words are valid on what names no region.
	Region string
	own    map[string][]string
}

// ownAction is an action of IAM, or what begins like some, which is told by itself.
var ownAction = regexp.MustCompile(`^([a-z][a-z0-9-]*):([A-Z][A-Za-z0-9]*)(\*?)$`)

// readingVerbs are the verbs that change nothing.
var readingVerbs = []string{"Describe", "List", "Get", "BatchGet", "Search", "Lookup"}

// NewWords reads the company's own words: aws.actions.
func NewWords(region string, own map[string][]string) (Words, error) {
	w := Words{Region: region, own: map[string][]string{}}
	for _, word := range slices.Sorted(maps.Keys(own)) {
		if !access.ValidAction(word) || word == "*" {
			return Words{}, fmt.Errorf("aws.actions: %q is not a word: write small letters, digits and "+
				"hyphens, at most 32", word)
		}
		for _, service := range slices.Sorted(maps.Keys(builtIn())) {
			if _, taken := builtIn()[service][word]; taken {
				return Words{}, fmt.Errorf("aws.actions: %s is already a word of %s: give yours another name", word,
					service)
			}
		}
		if len(own[word]) == 0 {
			return Words{}, fmt.Errorf("aws.actions: %s stands for no action: list what it does, such as "+
				"[\"ec2:DescribeInstances\"]", word)
		}
		for _, action := range own[word] {
			if problem := wrongAction(action); problem != "" {
				return Words{}, fmt.Errorf("aws.actions.%s: %q %s", word, action, problem)
			}
		}
		w.own[word] = slices.Compact(slices.Sorted(slices.Values(own[word])))
	}
	return w, nil
}

// wrongAction says why an action is in no word; "" where it may be.
func wrongAction(action string) string {
	parts := ownAction.FindStringSubmatch(action)
	if parts == nil {
		return "is no action of AWS such as ec2:DescribeInstances: write the service in small letters, and no wildcard"
	}
	service, name, wild := parts[1], parts[2], parts[3] != ""
	verb := func(v string) bool { return strings.HasPrefix(name, v) }
	switch {
	case administrations[service] != "":
		return "is of " + administrations[service] + ": no partner is granted that, so leave it out"
	case wild:
		return "has a wildcard, which may cover what gives out a login, now or once AWS adds it: list the actions"
	case service == "kms" && !slices.Contains(keyUse, action):
		return "administers keys: of KMS there are " + strings.Join(keyUse, ", ")
	case service == "rds-db", service == "eks" &&
		!verb("Describe") &&
		!verb("List"), service == "ec2-instance-connect", service == "cognito-identity", service == "ssmmessages":
		return "cannot end: " + starters[service] + ", so leave it out"
	}
	return wrongName(action, name)
}

// wrongName says why an action is in no word, whatever service it is of: by what actions of that name
// do; "" where it may be.
func wrongName(action, name string) string {
	is := func(other string) bool { return strings.EqualFold(action, other) }
	in := func(word string) bool { return strings.Contains(strings.ToLower(name), word) }
	switch changes := !reads(action); {
	case changes && slices.ContainsFunc(passing, in):
		return "passes access on, or administers what issues it: leave it out, and do it with a login of your own"
	case givesOut.MatchString(name) && !slices.Contains(givesNone, action):
		return "cannot end: what it issues works beyond the end, so leave it out"
	case slices.ContainsFunc(secretActions, is):
		return "cannot end: it answers with a password or a key, which lives on after the end, so leave it out"
	case slices.ContainsFunc(startingActions, is):
		return "cannot end: what it starts or issues works beyond the end, so leave it out"
	case changes && !handlesData.MatchString(name):
		return "is not known to do nothing but read or write data: it may start or change what stays so after the " +
			"end, or act with a role of its own. Leave it out, and have it done by a login of your own. Known are " +
			knownData
	}
	return ""
}

// reads reports whether an action begins with a verb that changes nothing.
func reads(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return slices.ContainsFunc(readingVerbs, func(v string) bool { return strings.HasPrefix(name, v) })
}

// Does says what a word lets do on a pattern: the actions of IAM, which knows no case, but for what only tells where a
// queue is. Nothing says what a word did that the company has no more.
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

// needsNoResource reports whether an action is one that AWS often allows on everything or on nothing.
func needsNoResource(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "List")
}

// actions returns what a word means on an ARN, and whether it is a word of the company's own.
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

// fits refuses words on what they do not open.
func (w Words) fits(a ARN, word string) error {
	if a.Service == "s3" && word == listing && !a.open() {
		return fmt.Errorf("%s is one object, but list shows the content of a folder: end in /*, or leave list out", a)
	}
	if a.Service == "dynamodb" && word == "write" && len(a.segments()) > 2 {
		return fmt.Errorf("%s is an index, which cannot be written to: write to the table", a)
	}
	return nil
}

// ownFits refuses own words on a whole service, but for what AWS allows on nothing narrower.
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

// known says which words there are for a service.
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

// CheckGrant says why AWS has no such action on such a resource. What a rule refuses, with its reason, is the rule's.
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

// CannotEnd says why AWS could not end a grant by itself; "" where it can.
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

// Reach says what actions on a pattern reach.
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
