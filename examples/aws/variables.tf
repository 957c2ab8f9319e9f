variable "expires_at" {
  description = "When all of it ends: half a year ahead at most."
  type        = string
}

variable "agreements_end_at" {
  description = "When the agreements end."
  type        = string
}

variable "region" {
  description = "The region of the buckets."
  type        = string
  default     = "eu-west-1"
}

variable "ledger_bucket" {
  description = "The bucket that keeps what was declared: of its own, with versions, and open to nobody but the provider."
  type        = string
  default     = "example-partner-access"
}

variable "exchange_bucket" {
  description = "The bucket with what partners read and deliver."
  type        = string
  default     = "partner-exchange"
}

variable "boundary" {
  description = "The ARN of the permissions boundary of all roles and users that are made: policies/boundary.json."
  type        = string
  default     = "arn:aws:iam::111122223333:policy/partner-boundary"
}

variable "endpoints" {
  description = "Where a cloud is that speaks as AWS does; null for AWS."
  type        = object({ iam = optional(string), sts = optional(string), s3 = optional(string) })
  default     = null
}

variable "acme_issuer" {
  description = "ACME's OIDC issuer."
  type        = string
  default     = "https://login.acme.test"
}

variable "globex_recipient" {
  description = "The age or SSH public key that Globex's access key is sealed to."
  type        = string
}

variable "globex_networks" {
  description = "Where Globex comes from."
  type        = set(string)
  default     = ["198.51.100.0/24"]
}
