// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What a partner signed or exported by a privileged grant lives on after the grant has ended. Nothing can list all of
// that, so whoever removes such a grant is told what to look for. See
// TestADestroyNamesWhatAPrivilegedGrantMayHaveSigned.

// loadBeforeRemoval reads what the system holds before something of it is removed, if the system is one in which grants
// may have given out what lives on. A removal does not wait for it: if it fails, only the warning is missing.
func (s *session) loadBeforeRemoval(ctx context.Context) {
	if _, able := access.As[access.Minter](s.system); !able {
		return
	}
	if err := s.load(ctx); err != nil {
		tflog.Warn(ctx, "what privileged grants gave out is not looked at", map[string]any{"error": sentence(err)})
	}
}

// warnMinted names what may live on of what a partner signed or got by the privileged grants among what was removed. It
// asks the system for the commands (access.Minter), since only that knows its engines.
func (s *session) warnMinted(ctx context.Context, removed []access.Ref, diags *diag.Diagnostics) {
	minter, able := access.As[access.Minter](s.system)
	if !able {
		return
	}
	for _, ref := range removed {
		held, _, found := s.portfolio.Find(ref)
		g, ok := held.Object.(*access.Grant)
		if !found || !ok {
			continue
		}
		if r := s.portfolio.Reach(g); r.Privileged != "" || r.System != "" || r.Unknown != "" {
			diags.AddWarning("What the partner got by "+ref.String()+" may still work",
				fmt.Sprintf("It reached %s. Ending a grant does not take back what was issued, signed or "+
					"exported there. %s", g.Resource, strings.Join(minter.Minted(ctx, g, held.History.CreatedAt), " ")))
		}
	}
}
