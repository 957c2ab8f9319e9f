// SPDX-License-Identifier: MPL-2.0

package access

import "strings"

// Workload returns what tells one workload from another: the issuer and the subject; of AWS the principal, and of a whole account also the
// external id, by which a vendor tells one use of it from another. It is empty where one of them is missing.
func (f *FederatedTrust) Workload() string {
	if f.Account() {
		text := "aws\n" + f.AWSPrincipal
		if p, err := ParseAWSPrincipal(f.AWSPrincipal); err == nil && p.Whole() {
			text += "\n" + f.ExternalID
		}
		return text
	}
	issuer := strings.TrimRight(strings.ToLower(f.Issuer), "/")
	if issuer == "" || f.Subject == "" {
		return ""
	}
	return issuer + "\n" + f.Subject
}
