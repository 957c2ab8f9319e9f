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

// version is set by the linker.
var version = "dev"

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
	err := tf6server.Serve("registry.terraform.io/partner-access/partner", func() tfprotov6.ProviderServer {
		return provider.NewServer(newProvider())
	}, options...)
	if err != nil {
		log.Fatal(err)
	}
}

// quiet takes away work that nobody asked for: the SDK's own logging, where no TF_LOG variable is set, costs a fifth of
// the provider's time, and a garbage collector tuned for long lives a third. It runs late, but keeps the process under
// 400 MB. Both choices give way to the environment.
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
