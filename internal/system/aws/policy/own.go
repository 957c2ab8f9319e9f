// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The company's own words (aws.actions) may stand for actions of any service. Each action is judged by its name, and
// refused unless it surely ends with the grant: of 130 that were tried, some thirty gave a partner what outlives its
// end, or passed access on. A list of what is forbidden would be broken by the next action that AWS adds, so what
// changes something is allowed by name (handlesData), and only what reads is allowed by its verb.

// ownAction is an action of IAM: the service, its name, and a wildcard at its end, which is refused with a reason of
// its own.
var ownAction = regexp.MustCompile(`^([a-z][a-z0-9-]*):([A-Z][A-Za-z0-9]*)(\*?)$`)

// readingVerbs are the verbs that change nothing. What some of these actions answer with is refused all the same.
var readingVerbs = []string{"Describe", "List", "Get", "BatchGet", "Search", "Lookup"}

// NewWords reads the company's own words, by word the actions that it stands for. An error names the argument and what
// to write. A word that a service has already is refused: which one is meant would depend on the ARN.
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

// wrongAction returns why an action is in no word; "" if it may be. First come the reasons that lie in its service,
// then those that lie in its name.
func wrongAction(action string) string {
	parts := ownAction.FindStringSubmatch(action)
	if parts == nil {
		return "is no action of AWS such as ec2:DescribeInstances: write the service in small letters, and no wildcard"
	}
	service, name, wild := parts[1], parts[2], parts[3] != ""
	switch {
	case administrations[service] != "":
		return "is of " + administrations[service] + ": no partner is granted that, so leave it out"
	case wild:
		return "has a wildcard, which may cover what gives out a login, now or once AWS adds it: list the actions"
	case service == "kms" && !slices.Contains(keyUse, action):
		return "administers keys: of KMS there are " + strings.Join(keyUse, ", ")
	case checkedAtStart(service, name):
		return "cannot end: " + starters[service] + ", so leave it out"
	}
	return wrongName(action, name)
}

// checkedAtStart reports whether an action is of a service that has nothing but what starts or issues something. EKS
// has more: what describes or lists clusters ends with the grant.
func checkedAtStart(service, name string) bool {
	switch service {
	case "rds-db", "ec2-instance-connect", "cognito-identity", "ssmmessages":
		return true
	case "eks":
		return !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List")
	}
	return false
}

// wrongName returns why an action is in no word, whatever service it is of; "" if it may be. What is known to be
// harmful goes first, since its reason says more than that it is not known.
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

// startingActions are actions by which something starts or is given out that outlives them, and whose names do not say
// so. Some are of the services of starters.
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

// secretActions read, and answer with a password or a key that opens something else, which their names do not say. For
// example, GetConnection answers with the password of a database unless HidePassword is set (AWS Glue API). This list
// may miss one; then only the boundary remains.
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
// thing leaves it so, or lets it act with a role of its own. TestNoActionPassesByItsVerbAlone has what passed once by
// its verb.
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

// knownData names some of these, for whoever wrote another one.
const knownData = "what begins with Describe, Get, List and Query, and such as PutObject, DeleteObject, PutItem, " +
	"UpdateItem, DeleteItem, PutRecord, PutEvents, SendMessage, DeleteMessage, InvokeFunction and StartQueryExecution"

// givesOut is how actions are called that give out a login, in whatever service, also if they only read: GetStreamKey,
// GetAuthCode, CreatePresignedDomainUrl.
var givesOut = regexp.MustCompile(`(?i)(tokens?|credentials?|passwords?|(api|access|stream|private)keys?|urls?|accessdetails|authcode)((with|for)\w+)?$`)

// givesNone are called like what gives out a login, and give none.
var givesNone = []string{"secretsmanager:GetRandomPassword", "sqs:GetQueueUrl"}

// passing are words in the names of actions that pass access on, or administer what gives it out: SetQueueAttributes
// has the queue's policy.
var passing = []string{
	"policy", "permission", "passrole", "assume", "grant", "acl", "accesskey", "loginprofile", "accesspoint",
	"ownership", "publicaccess",
	"updatefunction", "devendpoint", "replication", "updatestatemachine", "updatedomainconfig", "setqueueattributes",
	"settopicattributes",
	"instanceprofile", "datalakesettings", "createuser", "registeruser", "setuser", "password", "sshpublickey",
	"keypair", "apikey", "certificate",
}

// keyUse are the actions of KMS that use a key. All others administer it.
var keyUse = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
	"kms:GenerateMac",
	"kms:GetPublicKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Sign", "kms:Verify", "kms:VerifyMac",
}
