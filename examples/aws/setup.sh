#!/usr/bin/env bash
# What an administrator makes once: the bucket of the ledger, the boundary, and the rights of the provider. Run it in the folder of this
# file. It can be run again.
set -euo pipefail

bucket=${LEDGER_BUCKET:-example-partner-access}
export AWS_DEFAULT_REGION=${AWS_REGION:-eu-west-1}

# Of its own, with versions, and open to nobody from outside: what is in it says who has access, and nothing of it is secret.
if ! aws s3api head-bucket --bucket "$bucket" 2>/dev/null; then
	aws s3 mb "s3://$bucket"
fi
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
	BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true

# The boundary limits all that is made. The four policies for logins are for whoever runs a plan, an apply (which needs both), a cut, and the
# configuration of the floor.
account=$(aws sts get-caller-identity --query Account --output text)
for policy in boundary plan apply cut floor; do
	text=$(sed -e "s/example-partner-access/$bucket/g" -e "s/111122223333/$account/g" "policies/$policy.json")
	if ! aws iam get-policy --policy-arn "arn:aws:iam::$account:policy/partner-$policy" >/dev/null 2>&1; then
		aws iam create-policy --policy-name "partner-$policy" --policy-document "$text" >/dev/null
	fi
done
echo "Attach partner-plan and partner-apply to the role that runs Terraform, partner-cut to the people on call,"
echo "partner-plan and partner-floor to security's role alone: what no configuration can lower."
