variable "partner" {
  description = "The partner's name, as in the register."
  type        = string
}

variable "owner" {
  description = "The one internal address that answers for all of it."
  type        = string
}

variable "expires_at" {
  description = "When all of it ends."
  type        = string
}

variable "networks" {
  description = "Where the partner comes from."
  type        = set(string)
}

variable "review" {
  description = "Who looked last. A later expires_at needs a newer one."
  type        = object({ at = string, by = string, reason = string })
  default     = null
}

variable "suspended" {
  description = "Cuts everything at once and keeps the declaration."
  type        = bool
  default     = false
}

variable "identities" {
  description = "What the partner has access for, by the name of the use case. Set one or more kinds of credential: only public keys are ever asked for."

  type = map(object({
    purpose         = string
    ceiling         = set(string)
    federated       = optional(object({ issuer = string, subject = string, audiences = set(string) }))
    certificate     = optional(string) # a PKCS #10 request
    ssh_certificate = optional(string) # an SSH public key
    secret          = optional(string) # an age recipient or an SSH public key

    grants = map(object({
      resource = string
      actions  = set(string)
      purpose  = string
    }))
  }))
}
