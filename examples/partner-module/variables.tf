variable "partner" {
  description = "The partner's name, as in the register."
  type        = string
}

variable "environment" {
  description = "Where, if it is not the provider's environment."
  type        = string
  default     = null
}

variable "owner" {
  description = "The internal address that answers for all of it. An identity may have another one."
  type        = string
}

variable "expires_at" {
  description = "When all of it ends. An identity may end earlier."
  type        = string
}

variable "networks" {
  description = "Where the partner comes from. An identity may have others."
  type        = set(string)
}

variable "contact" {
  description = "Whom to call at the partner, if it is not the register's."
  type        = string
  default     = null
}

variable "agreement" {
  description = "The contract that it rests on, if it is not the register's."
  type        = object({ reference = string, ends_at = string })
  default     = null
}

variable "review" {
  description = "Who looked last. A later expires_at needs a newer one."

  type = object({
    at       = string
    by       = string
    reason   = string
    decision = optional(string)
    until    = optional(string)
    access   = optional(string)
    end      = optional(bool)
  })

  default = null
}

variable "decisions" {
  description = "What was decided in worksheets, as the function decisions returns it: everybody's, of which the partner's are taken. What is to end is an error until its block is removed."

  type = map(object({
    at       = string
    by       = string
    reason   = string
    decision = optional(string)
    until    = optional(string)
    access   = optional(string)
    end      = optional(bool)
  }))

  default = {}
}

variable "suspended" {
  description = "Cuts everything at once and keeps the declaration."
  type        = bool
  default     = null
}

variable "hold_released" {
  description = "Gives back what was cut by hand: a new value each time, such as the number of the incident."
  type        = string
  default     = null
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

    # What differs from the partner's.
    owner         = optional(string)
    expires_at    = optional(string)
    networks      = optional(set(string))
    contact       = optional(string)
    agreement     = optional(object({ reference = string, ends_at = string }))
    review        = optional(object({ at = string, by = string, reason = string, decision = optional(string), until = optional(string), access = optional(string), end = optional(bool) }))
    suspended     = optional(bool)
    hold_released = optional(string)

    # A subcontractor's hangs on its partner's: parent_id = module.acme.ids["orders-etl"], where subcontractors are allowed.
    parent_id      = optional(string)
    subcontractors = optional(object({ allowed = bool, max_depth = optional(number) }))
    expected_use   = optional(string) # how long it may rest: "2160h"

    # By the kind of credential: "secret" = { every = "360h", overlap = "24h", trigger = { incident = "INC-7" } }.
    rotation             = optional(map(object({ every = string, overlap = optional(string), trigger = optional(map(string)) })), {})
    revoke_issued_before = optional(map(string), {}) # for a stolen key
    credential_waivers   = optional(map(map(object({ reason = string, approver = string, until = string }))), {})

    waivers = optional(map(object({ reason = string, approver = string, until = string })))

    grants = map(object({
      resource   = string
      actions    = set(string)
      purpose    = string
      owner      = optional(string)
      expires_at = optional(string)
      waivers    = optional(map(object({ reason = string, approver = string, until = string })))
    }))
  }))
}
