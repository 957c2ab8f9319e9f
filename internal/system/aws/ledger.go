// SPDX-License-Identifier: MPL-2.0

package aws

import "github.com/partner-access/terraform-provider-partner/internal/system/aws/store"

// The words of the ledger, which this package speaks as well.
type (
	page      = store.Page
	family    = store.Family
	principal = store.Principal
	kind      = store.Kind
)
