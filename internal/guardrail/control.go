// SPDX-License-Identifier: MPL-2.0

package guardrail

// Control is a reference to what a published standard asks for.
type Control string

// The controls that the rules serve.
const (
	NHI1 Control = "OWASP NHI1" // OWASP Non-Human Identities Top 10 2025: improper offboarding
	NHI2 Control = "OWASP NHI2" // secret leakage
	NHI3 Control = "OWASP NHI3" // vulnerable third-party NHI
	NHI4 Control = "OWASP NHI4" // insecure authentication
	NHI5 Control = "OWASP NHI5" // overprivileged NHI
	NHI7 Control = "OWASP NHI7" // long-lived secrets
	NHI8 Control = "OWASP NHI8" // environment isolation
	NHI9 Control = "OWASP NHI9" // NHI reuse

	PRAA01 Control = "NIST CSF 2.0 PR.AA-01" // identities and credentials are managed
	PRAA05 Control = "NIST CSF 2.0 PR.AA-05" // permissions are managed, enforced, reviewed; least privilege
	GVSC05 Control = "NIST CSF 2.0 GV.SC-05" // requirements are part of agreements with third parties
	GVSC10 Control = "NIST CSF 2.0 GV.SC-10" // plans for what comes after a partnership
	DECM06 Control = "NIST CSF 2.0 DE.CM-06" // external service providers are monitored

	AC2  Control = "NIST 800-53 AC-2"    // account management
	AC22 Control = "NIST 800-53 AC-2(2)" // automated temporary account management
	AC23 Control = "NIST 800-53 AC-2(3)" // disable accounts
	AC5  Control = "NIST 800-53 AC-5"    // separation of duties
	AC6  Control = "NIST 800-53 AC-6"    // least privilege
	AU12 Control = "NIST 800-53 AU-12"   // audit record generation
	IA4  Control = "NIST 800-53 IA-4"    // identifier management
	IA5  Control = "NIST 800-53 IA-5"    // authenticator management
	IR3  Control = "NIST 800-53 IR-3"    // incident response testing
	IR4  Control = "NIST 800-53 IR-4"    // incident handling
	PS7  Control = "NIST 800-53 PS-7"    // external personnel security
	SA9  Control = "NIST 800-53 SA-9"    // external system services
	SC7  Control = "NIST 800-53 SC-7"    // boundary protection
	SC13 Control = "NIST 800-53 SC-13"   // cryptographic protection
	SI4  Control = "NIST 800-53 SI-4"    // system monitoring

	CIS51  Control = "CIS v8 5.1"  // inventory of accounts
	CIS53  Control = "CIS v8 5.3"  // disable dormant accounts
	CIS55  Control = "CIS v8 5.5"  // inventory of service accounts, with owner, review date and purpose
	CIS157 Control = "CIS v8 15.7" // securely decommission service providers

	PCI724 Control = "PCI DSS 4.0.1 7.2.4" // access of third parties is reviewed at least every six months
	PCI825 Control = "PCI DSS 4.0.1 8.2.5" // access of terminated users is revoked at once
	PCI826 Control = "PCI DSS 4.0.1 8.2.6" // inactive accounts are removed within 90 days
	PCI827 Control = "PCI DSS 4.0.1 8.2.7" // third-party access only when needed, and monitored

	ISO517 Control = "ISO 27001 A.5.17" // authentication information (2022 numbering)
	ISO518 Control = "ISO 27001 A.5.18" // access rights
	ISO519 Control = "ISO 27001 A.5.19" // information security in supplier relationships
	ISO520 Control = "ISO 27001 A.5.20" // security within supplier agreements
	ISO521 Control = "ISO 27001 A.5.21" // security in the supply chain
	ISO522 Control = "ISO 27001 A.5.22" // monitoring and review of supplier services
	ISO815 Control = "ISO 27001 A.8.15" // logging
	ISO824 Control = "ISO 27001 A.8.24" // use of cryptography
	ISO831 Control = "ISO 27001 A.8.31" // separation of environments

	IAM03 Control = "CSA CCM v4 IAM-03" // identity inventory
	IAM07 Control = "CSA CCM v4 IAM-07" // user access changes and revocation
	IAM08 Control = "CSA CCM v4 IAM-08" // user access review
)

// Formerly returns what older texts call the control, or "".
func (c Control) Formerly() string {
	switch c {
	case NHI3:
		return "NHI-03"
	case PRAA05:
		return "NIST CSF 1.1 PR.AC-4"
	case IAM03:
		return "MAESTRO IAM-03"
	}
	return ""
}
