// Package access is the language of partner access: identities, credentials and grants, the patterns and moments they
// are made of, where each ends, the history that an access system keeps of them, and the [System] interface behind
// which every access system stands.
//
// It imports nothing of this project but package material, and nothing of Terraform. All moments are compared in UTC.
package access
