// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Two clocks meet in a plan: the system's decides when access ends, and people write down moments by their own
// machine's.

// clocks are the system's clock, which decides, and this machine's, by which people write down moments. said has the
// difference told once in a walk.
type clocks struct {
	system access.System
	said   sync.Once
}

// tolerableSkew is how far the system's clock may be from this machine's without a word. A moment that is to be in the
// past may be this far ahead.
const tolerableSkew = time.Minute

// compareClocks warns, once, if a system with a clock of its own is far from this machine's time: moments that people
// write down by theirs would mean others there. It makes no request: the system says what it saw in the answers so far
// (the optional method Skew), and a system without a clock of its own has none.
func (c *clocks) compareClocks(diags *diag.Diagnostics) {
	system, has := access.As[interface{ Skew() (time.Duration, bool) }](c.system)
	if !has {
		return
	}
	skew, known := system.Skew()
	if !known || skew.Abs() <= tolerableSkew {
		return
	}
	c.said.Do(func() {
		here := access.WallClock()
		diags.AddWarning("The clocks differ",
			fmt.Sprintf("This machine's clock says %s, the access system's says %s. The system's clock decides when "+
				"access ends. Set the one that is wrong.", access.At(here), access.At(here.Add(skew))))
	})
}
