// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-partner serves the provider to Terraform and OpenTofu over plugin protocol 6.
package main

import (
	"flag"
	"log"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// version is set by the linker (-X main.version, see tools/release and the Makefile); "dev" in any other build.
var version = "dev"

// main serves the provider until Terraform closes the connection.
//
// It uses tf6server and not the framework's providerserver.Serve, because the server of this provider stands in front
// of the framework's: see provider.NewServer. With -debug, it serves to a debugger and prints the TF_REATTACH_PROVIDERS
// that Terraform needs to find it.
func main() {
	var debugger bool
	flag.BoolVar(&debugger, "debug", false, "serve to a debugger, and print how to attach")
	flag.Parse()

	quiet()
	var options []tf6server.ServeOpt
	if debugger {
		options = append(options, tf6server.WithManagedDebug())
	}
	newProvider := provider.New(version, access.WallClock)
	// The address is the registry's. It names the provider to a debugger, and its last part the variable of its log
	// level, TF_LOG_PROVIDER_PARTNER. The function is called once for each connection of Terraform's.
	err := tf6server.Serve("registry.terraform.io/partner-access/partner", func() tfprotov6.ProviderServer {
		return provider.NewServer(newProvider())
	}, options...)
	if err != nil {
		log.Fatal(err)
	}
}

// quiet takes away work that nobody asked for, before anything is logged or allocated. What the environment sets
// already stays as it is.
//
//   - The SDK's own logging costs a fifth of the provider's CPU in a large plan, even if no TF_LOG variable is set.
//   - The garbage collector's default (GOGC=100) is tuned for processes that live long, and costs this one, which lives
//     for one plan, a third of its CPU. So it runs late, and more often as memory comes near 400 MB.
func quiet() {
	asked := false
	for _, v := range os.Environ() {
		asked = asked || strings.HasPrefix(v, "TF_LOG")
	}
	if !asked {
		for _, name := range []string{"TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"} {
			_ = os.Setenv(name, "OFF")
		}
	}
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(365 << 20)
	}
}
