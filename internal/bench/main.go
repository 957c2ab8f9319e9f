// SPDX-License-Identifier: MPL-2.0

//go:build unix

// Command bench measures the provider with the real Terraform: a plan that finds nothing to do, and a first apply.
// Beside it, with the same configuration, a hollow provider (our schemas on the framework, nothing behind them), which
// is what framework and protocol cost; and the same shape in terraform_data, which is what Terraform itself costs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how many rounds to run")
	flag.IntVar(&o.planned, "plan", 3000, "how many resources the plan has, a multiple of 5; 0: no plan")
	flag.IntVar(&o.applied, "apply", 900, "how many resources the apply creates, a multiple of 5; 0: no apply")
	flag.IntVar(&o.starts, "starts", 20, "how often to start the provider")
	flag.StringVar(&o.binaries, "binaries", "dist/bench", "where scripts/bench has built the providers")
	flag.StringVar(&o.terraform, "terraform", "terraform", "the terraform to run")
	page := flag.String("page", "",
		"also put the tables into this page, between its lines "+figuresBegin+" and "+figuresEnd)
	check := flag.Bool("check", false, "fail when a limit is broken")
	keep := flag.Bool("keep", false, "keep the folder with configurations and states, and say where it is")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bench(ctx, o, *page, *check, *keep)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

type options struct {
	rounds, planned, applied, starts int
	binaries, terraform              string
}

// bench measures, prints the tables, puts them into a page if one is named, and returns an error if a limit is broken
// and check is set.
func bench(ctx context.Context, o options, page string, check, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "partner-bench-")
	if err != nil {
		return err
	}
	if keep {
		log.Print("configurations and states in ", dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if o.binaries, err = filepath.Abs(o.binaries); err != nil {
		return err
	}
	r, err := measure(ctx, o, dir)
	if err != nil {
		return err
	}
	if err := r.text(os.Stdout); err != nil {
		return err
	}
	if page != "" {
		if err := r.putInto(page); err != nil {
			return err
		}
	}
	broken := r.broken()
	for _, b := range broken {
		log.Print("limit broken: ", b)
	}
	if check && len(broken) > 0 {
		return fmt.Errorf("%d of the limits are broken", len(broken))
	}
	return nil
}

// measure does everything, with what is compared side by side in every round.
func measure(ctx context.Context, o options, dir string) (*result, error) {
	r := &result{options: o, at: access.WallClock()}
	var err error
	if r.version, err = terraformVersion(ctx, o.terraform); err != nil {
		return nil, err
	}
	binary := filepath.Join(o.binaries, "terraform-provider-partner")
	file, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	r.size = file.Size()
	if r.start, err = startUps(ctx, binary, o.starts); err != nil {
		return nil, err
	}
	var cases []*contest
	if o.planned > 0 {
		c, err := planContest(ctx, o, filepath.Join(dir, "plan"))
		if err != nil {
			return nil, err
		}
		r.plan = c
		cases = append(cases, c)
	}
	if o.applied > 0 {
		c, err := applyContest(o, filepath.Join(dir, "apply"))
		if err != nil {
			return nil, err
		}
		r.apply = c
		cases = append(cases, c)
	}
	for round := range o.rounds {
		for _, c := range cases {
			for i := range c.rivals {
				rival := c.rivals[(i+round)%len(c.rivals)] // nobody always comes first
				run, err := c.runOne(ctx, rival)
				if err != nil {
					return nil, err
				}
				rival.runs = append(rival.runs, run)
				log.Printf("round %d of %d: %s, %s: %.1f s", round+1, o.rounds, c.what, rival.name, run.took.Seconds())
			}
		}
	}
	return r, nil
}

// stopwatch says how long ago it was started.
func stopwatch() func() time.Duration {
	start := access.WallClock()
	return func() time.Duration { return access.WallClock().Sub(start) }
}
