variable "expires_at" {
  description = "When all of it ends: half a year ahead at most."
  type        = string
}

variable "agreements_end_at" {
  description = "When the agreements end."
  type        = string
}

variable "acme_issuer" {
  description = "ACME's OIDC issuer."
  type        = string
  default     = "https://login.acme.test"
}

variable "globex_csr" {
  description = "Globex's request for a certificate, in PEM."
  type        = string
}

variable "globex_networks" {
  description = "Where Globex comes from."
  type        = set(string)
  default     = ["203.0.113.0/24"]
}

variable "initech_recipient" {
  description = "The age or SSH public key that Initech's secret is sealed to."
  type        = string
}

variable "initech_networks" {
  description = "Where Initech comes from."
  type        = set(string)
  default     = ["198.51.100.0/24"]
}
