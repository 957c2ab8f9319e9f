// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestWordsOfTheCompanysOwnCannotPassAccessOnOrOutliveAnEnd(t *testing.T) {
	for _, c := range []struct {
		says, word string
		actions    []string
		refused    string
	}{
		{"to look at machines", "observe", []string{"ec2:DescribeInstances"}, ""},
		{"to start one function", "call", []string{"lambda:InvokeFunction"}, ""},
		{"to read a parameter", "parameter", []string{"ssm:GetParameter", "ssm:GetParametersByPath"}, ""},
		{"to read who may do what", "audit", []string{"s3:GetBucketPolicy"}, ""},
		{"to sign", "sign", []string{"kms:Sign"}, ""},

		{"everything", "every", []string{"*"}, "no action"},
		{"everything of a service", "every", []string{"s3:*"}, "no action"},
		{"nearly everything of a service", "every", []string{"s3:P*"}, "a wildcard"},
		{"a wildcard at the start", "every", []string{"s3:*Object"}, "no action"},
		{"a service in capital letters", "every", []string{"IAM:GetUser"}, "no action"},
		{"to write with a wildcard", "put", []string{"s3:Put*"}, "a wildcard"},
		{"IAM", "people", []string{"iam:ListUsers"}, "who may do what"},
		{"all of IAM", "people", []string{"iam:*"}, "no action"},
		{"STS", "hop", []string{"sts:AssumeRole"}, "sessions"},
		{"to pass a role on", "pass", []string{"iam:PassRole"}, "who may do what"},
		{"organizations", "rule", []string{"organizations:ListAccounts"}, "accounts"},
		{"to change who may read a bucket", "share", []string{"s3:PutBucketPolicy"}, "passes access on"},
		{"to let others send", "share", []string{"sqs:AddPermission"}, "passes access on"},
		{"to change what a function does with its role", "deploy", []string{"lambda:UpdateFunctionCode"},
			"passes access on"},
		{"to give a key away", "share", []string{"kms:CreateGrant"}, "administers keys"},
		{"to look at keys with a wildcard", "keys", []string{"kms:List*"}, "a wildcard"},
		{"to open a shell", "shell", []string{"ssm:StartSession"}, "cannot end"},
		{"to open a shell in a container", "shell", []string{"ecs:ExecuteCommand"}, "cannot end"},
		{"to log in to a database", "login", []string{"rds-db:Connect"}, "cannot end"},
		{"to log in to Kubernetes", "login", []string{"eks:AccessKubernetesApi"}, "cannot end"},
		{"tokens of a registry", "pull", []string{"ecr:GetAuthorizationToken"}, "cannot end"},
		{"tokens of a registry by a wildcard", "pull", []string{"ecr:Get*"}, "a wildcard"},
		{"all of IAM in capital letters", "people", []string{"IAM:*"}, "no action"},
		{"a verb of every service", "every", []string{"*:Get*"}, "no action"},
		{"an action but for one letter", "fetch", []string{"s3:?etObject"}, "no action"},
		{"two actions in one text", "fetch", []string{"s3:GetObject,iam:PassRole"}, "no action"},
		{"all but an action", "rest", []string{"!s3:GetObject"}, "no action"},
		{"the policy of a queue, by another name", "tune", []string{"sqs:SetQueueAttributes"}, "passes access on"},
		{"the policy of a topic, by another name", "tune", []string{"sns:SetTopicAttributes"}, "passes access on"},
		{"a login elsewhere", "invite", []string{"transfer:CreateUser"}, "passes access on"},
		{"a key of a login elsewhere", "invite", []string{"transfer:ImportSshPublicKey"}, "passes access on"},
		{"a password of others", "reset", []string{"cognito-idp:AdminSetUserPassword"}, "passes access on"},
		{"a certificate that lets in", "issue", []string{"iot:CreateKeysAndCertificate"}, "passes access on"},
		{"the role of a machine", "swap", []string{"ec2:ReplaceIamInstanceProfileAssociation"}, "passes access on"},
		{"the key of a machine", "pair", []string{"ec2:CreateKeyPair"}, "passes access on"},
		{"a role that is not called so", "hop", []string{"deadline:AssumeQueueRoleForUser"}, "passes access on"},
		{"what a workflow does with its role", "deploy", []string{"states:UpdateStateMachine"}, "passes access on"},
		{"a key of an API", "key", []string{"appsync:CreateApiKey"}, "passes access on"},
		{"the administration of APIs", "key", []string{"apigateway:GET"}, "issues keys"},
		{"people in a directory", "invite", []string{"ds:CreateUser"}, "may log in"},
		{"messages that come after the end", "follow", []string{"sns:Subscribe"}, "cannot end"},
		{"logs that come after the end", "follow", []string{"logs:PutSubscriptionFilter"}, "cannot end"},
		{"logs of hours, asked for once", "tail", []string{"logs:StartLiveTail"}, "cannot end"},
		{"a shell in the console", "shell", []string{"cloudshell:CreateSession"}, "cannot end"},
		{"the login of a machine", "enter", []string{"lightsail:GetInstanceAccessDetails"}, "cannot end"},
		{"the login of a machine by a wildcard", "enter", []string{"lightsail:Get*"}, "a wildcard"},
		{"a token of whatever service", "tokens", []string{"license-manager:GetAccessToken"}, "cannot end"},
		{"credentials of a service that is not listed", "tokens", []string{"newservice:GetProjectCredentialsForUser"},
			"cannot end"},
		{"a page that lets in", "open", []string{"sagemaker:CreatePresignedMlflowTrackingServerUrl"}, "cannot end"},
		{"passwords of databases", "connect", []string{"glue:GetConnection"}, "cannot end"},
		{"passwords of databases by a wildcard", "connect", []string{"glue:Get*"}, "a wildcard"},
		{"keys of APIs", "keys", []string{"appsync:ListApiKeys"}, "cannot end"},
		{"the secret of a client", "clients", []string{"cognito-idp:DescribeUserPoolClient"}, "cannot end"},
		{"a database's password", "admin", []string{"lightsail:GetRelationalDatabaseMasterUserPassword"}, "cannot end"},
		{"machines that stay", "run", []string{"ec2:RunInstances"}, "nothing but read or write data"},
		{"containers with a role", "run", []string{"ecs:RunTask"}, "nothing but read or write data"},
		{"what a machine does with its role", "run", []string{"ec2:ModifyInstanceAttribute"},
			"nothing but read or write data"},
		{"a job with a role", "run", []string{"batch:SubmitJob"}, "nothing but read or write data"},
		{"a job with another script", "run", []string{"glue:StartJobRun"}, "nothing but read or write data"},
		{"steps of a cluster", "run", []string{"elasticmapreduce:AddJobFlowSteps"}, "nothing but read or write data"},
		{"code on machines", "deploy", []string{"codedeploy:CreateDeployment"}, "nothing but read or write data"},
		{"a function with a role", "deploy", []string{"lambda:CreateFunction"}, "nothing but read or write data"},
		{"a tag that opens something", "tag", []string{"ec2:CreateTags"}, "nothing but read or write data"},
		{"a service that nobody knows", "make", []string{"newservice:ProvisionThing"},
			"nothing but read or write data"},
		{"the logs of an application", "log", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, ""},
		{"records of a stream", "feed", []string{"kinesis:PutRecord", "kinesis:PutRecords", "firehose:PutRecordBatch"},
			""},
		{"a model", "ask", []string{"bedrock:InvokeModel", "bedrock:Converse"}, ""},
		{"a query", "query", []string{"athena:StartQueryExecution", "athena:GetQueryResults",
			"athena:StopQueryExecution"}, ""},
		{"rows of a table", "rows", []string{"dynamodb:UpdateItem", "dynamodb:BatchWriteItem",
			"dynamodb:PartiQLSelect"}, ""},
		{"a search", "search", []string{"es:ESHttpGet", "es:ESHttpHead"}, ""},
		{"a mail", "mail", []string{"ses:SendEmail"}, ""},
		{"an image of a registry", "push",
			[]string{"ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
				"ecr:BatchCheckLayerAvailability"}, ""},
		{"what is only called like a token", "balance", []string{"managedblockchain-query:GetTokenBalance"}, ""},
		{"where a queue is", "queue", []string{"sqs:GetQueueUrl"}, ""},
		{"a password that nobody has", "random", []string{"secretsmanager:GetRandomPassword"}, ""},
		{"data that goes", "clear", []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "dynamodb:DeleteItem",
			"sqs:DeleteMessage"}, ""},
		{"a query that is stopped", "stop", []string{"logs:StopQuery", "timestream:CancelQuery"}, ""},
		{"messages that others wait for", "leave", []string{"sns:Unsubscribe"}, "nothing but read or write data"},
		{"a workflow that goes on", "start", []string{"states:StartExecution"}, "cannot end"},
		{"a workflow that is waited for", "start", []string{"states:StartSyncExecution"}, ""},
		{"the answer to a workflow", "answer", []string{"states:SendTaskSuccess"}, ""},
		{"a word that is there", "read", []string{"ec2:DescribeInstances"}, "another name"},
		{"a word that is none", "Look", []string{"ec2:DescribeInstances"}, "not a word"},
		{"no action", "none", nil, "no action"},
		{"the wildcard as a word", "*", []string{"ec2:DescribeInstances"}, "not a word"},
	} {
		_, err := NewWords("eu-west-1", map[string][]string{c.word: c.actions})
		if (err == nil) != (c.refused == "") || (err != nil && !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, want %q", c.says, err, c.refused)
		}
		if err != nil && !says(err, "eave it out", "list ", "write ", "give yours", "of KMS there are") {
			t.Errorf("%s: nobody is told what to write: %v", c.says, err)
		}
	}
}

// Each of these went through once, by how its name begins. What leaves a change behind is refused by name, and so is
// what answers with a login. A word of the company's own may let do what a word of the service lets do: under it,
// access went on that had ended.
func TestTwoWordsThatLetDoTheSameAreTold(t *testing.T) {
	w, err := NewWords("eu-west-1",
		map[string][]string{"fetch": {"s3:GetOBJECT"}, "look": {"sqs:GetQueueUrl", "s3:GetObjectTagging"}})
	if err != nil {
		t.Fatal(err)
	}
	const folder, queue = "arn:aws:s3:::partner-exchange/acme/*", "arn:aws:sqs:eu-west-1:111122223333:orders"
	for _, c := range []struct {
		resource access.Pattern
		a, b     string
		same     bool
	}{
		{folder, "read", "fetch", true},
		{folder, "read", "look", false},
		{folder, "read", "write", false},
		{queue, "send", "receive", false},
		{queue, "look", "receive", false},
		{folder, "forgotten", "read", false},
	} {
		does := w.Does(c.resource, c.b)
		if same := slices.ContainsFunc(w.Does(c.resource, c.a),
			func(action string) bool { return slices.Contains(does, action) }); same != c.same {
			t.Errorf("%s and %s on %s do the same: %v", c.a, c.b, c.resource, same)
		}
	}
}

func TestNoActionPassesByItsVerbAlone(t *testing.T) {
	for refused, actions := range map[string][]string{
		"nothing but read or write data": {
			"cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "guardduty:DeleteDetector", "dynamodb:DeleteTable",
			"s3:DeleteBucket", "s3:DeleteBucketWebsite",
			"ec2:StopInstances", "ec2:DeleteVolume", "ssm:DeleteDocument", "glue:BatchDeleteTable",
			"config:StopConfigurationRecorder", "ses:VerifyEmailIdentity",
			"ses:VerifyDomainIdentity", "cognito-idp:SignUp", "cognito-idp:InitiateAuth",
			"elasticbeanstalk:AbortEnvironmentUpdate", "ec2:CancelSpotInstanceRequests",
			"autoscaling:CompleteLifecycleAction", "storagegateway:RetrieveTapeArchive", "sqs:PurgeQueue",
			"license-manager:CheckoutLicense", "ses:SendCustomVerificationEmail",
			"redshift-data:ExecuteStatement", "rds-data:ExecuteStatement", "rds-data:BatchExecuteStatement",
			"es:ESHttpPut", "es:ESHttpPost", "es:ESHttpPatch",
			"es:ESHttpDelete", "bedrock-agentcore:InvokeAgentRuntimeCommand", "lambda:InvokeAsync",
			"sagemaker:InvokeEndpointAsync",
		},
		"cannot end": {
			"ssm:SendCommand", "states:StartExecution", "ec2:DescribeVpnConnections",
			"ec2:GetVpnConnectionDeviceSampleConfiguration", "ec2:GetPasswordData",
			"ivs:GetStreamKey", "ivs:BatchGetStreamKey", "kinesisvideo:GetHLSStreamingSessionURL",
			"kinesisvideo:GetDASHStreamingSessionURL", "geo:DescribeKey",
			"mediapackage:DescribeChannel", "mediapackage:ListChannels", "bedrock-agentcore:GetResourceApiKey",
			"amplify:GetApp", "chime:GetAttendee",
			"managedblockchain:GetAccessor", "datazone:GetIamPortalLoginUrl", "ecr:GetDownloadUrlForLayer",
			"lambda:GetFunction",
			"redshift:GetClusterCredentialsWithIAM", "lambda:InvokeFunctionUrl", "gamelift:GetGameSessionLogUrl",
			"quicksight:GenerateEmbedUrlForRegisteredUser", "sagemaker:CreatePresignedDomainUrl",
			"airflow:CreateCliToken",
			"license-manager:ListTokens", "quicksight:GetAuthCode", "lightsail:GetBucketAccessKeys",
		},
		"a wildcard": {
			"ec2:Describe*", "bedrock-agentcore:Get*", "finspace-api:Get*", "amplifybackend:Get*",
			"codeconnections:Get*", "newservice:List*", "s3:GetObject*",
		},
	} {
		for _, action := range actions {
			if why := wrongAction(action); !strings.Contains(why, refused) {
				t.Errorf("%s: %q, want %q", action, why, refused)
			}
		}
	}
}

// says reports whether an error has one of these texts.
func says(err error, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(err.Error(), text) })
}

func someWords(t *testing.T) Words {
	t.Helper()
	words, err := NewWords("eu-west-1", map[string][]string{
		"observe": {"ec2:DescribeInstances", "ssm:GetParameter"}, "call": {"lambda:InvokeFunction"},
		"sign": {"kms:Sign"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func TestAGrantIsOfWhatItsServiceHas(t *testing.T) {
	words := someWords(t)
	for _, c := range []struct {
		says    string
		pattern access.Pattern
		actions []string
		refused string
	}{
		{"read and list a folder", "arn:aws:s3:::partner-exchange/acme/*", []string{"list", "read"}, ""},
		{"look at the machines of a region", "arn:aws:ec2:eu-west-1:111122223333:", []string{"observe"}, ""},
		{"call one function", "arn:aws:lambda:eu-west-1:111122223333:function:acme", []string{"call"}, ""},
		{"read one parameter", "arn:aws:ssm:eu-west-1:111122223333:parameter/acme/url", []string{"observe"}, ""},
		{"what a rule refuses", "arn:aws:iam::111122223333:user/jane", []string{"read"}, ""},
		{"what another rule refuses", "arn:aws:s3:::partner-exchange/acme/*", []string{"*"}, ""},

		{"list one object", "arn:aws:s3:::partner-exchange/acme/feed.csv", []string{"list"}, "end in /*"},
		{"send to a bucket", "arn:aws:s3:::partner-exchange/acme/*", []string{"send"}, "it has call, delete, list"},
		{"write to an index", "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/day", []string{"write"},
			"an index"},
		{"call a bucket", "arn:aws:s3:::partner-exchange/acme/*", []string{"call"}, "no action of s3"},
		{"call every function", "arn:aws:lambda:eu-west-1:111122223333:", []string{"call"}, "Describe or List"},
		{"a service without words", "arn:aws:athena:eu-west-1:111122223333:workgroup/acme", []string{"query"},
			"aws.actions"},
		{"another partition", "arn:aws-cn:s3:::partner-exchange/acme/*", []string{"read"}, "partition"},
	} {
		if c.says == "send to a bucket" {
			c.refused = "it has delete, list, read, write"
		}
		err := words.CheckGrant(&access.Grant{Resource: c.pattern, Actions: c.actions})
		if (err == nil) != (c.refused == "") || (err != nil && !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, want %q", c.says, err, c.refused)
		}
	}
}

func TestWhatAWSChecksOnlyAtItsStartCannotEnd(t *testing.T) {
	words := someWords(t)
	for pattern, ends := range map[access.Pattern]bool{
		"arn:aws:s3:::partner-exchange/acme/*":                  true,
		"arn:aws:ssm:eu-west-1:111122223333:parameter/acme/url": true, // a word of the company's own
		// the same: what it allows is on no session
		"arn:aws:ssm:eu-west-1:111122223333:session/acme":             true,
		"arn:aws:ecs:eu-west-1:111122223333:task/acme":                false,
		"arn:aws:eks:eu-west-1:111122223333:cluster/acme":             false,
		"arn:aws:rds-db:eu-west-1:111122223333:dbuser:db-ABCDEF/acme": false,
	} {
		if why := words.CannotEnd(&access.Grant{Resource: pattern, Actions: []string{"observe"}}); (why == "") != ends {
			t.Errorf("%s: %q", pattern, why)
		}
	}
}

func TestTheAdministrationOfAWSIsNoData(t *testing.T) {
	words := someWords(t)
	for pattern, refused := range map[access.Pattern]bool{
		"arn:aws:iam::111122223333:role/acme":                 true,
		"arn:aws:sts::111122223333:assumed-role/acme":         true,
		"arn:aws:organizations::111122223333:account/o-a/1":   true,
		"arn:aws:sso:::instance/ssoins-1":                     true,
		"arn:aws:cloudformation:eu-west-1:111122223333:stack": true,
		"arn:aws:s3:::partner-exchange/iam/sts":               false,
	} {
		if r := words.Reach(pattern, []string{"read"}); (r.System != "") != refused {
			t.Errorf("%s: %q", pattern, r.System)
		}
		_, err := CompileGrants([]Grant{{Resource: pattern, Actions: []string{"read"}, EndsAt: noon}}, noon, words)
		if (err != nil) != refused {
			t.Errorf("%s compiles: %v", pattern, err)
		}
	}
	if r := words.Reach("arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f",
		[]string{"sign"}); r.Privileged == "" {
		t.Error("to sign is not privileged")
	}
}
