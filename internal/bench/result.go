// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// The limits of what the provider may cost: a plan no more than the hollow provider's, and an apply 1.3 times it.
const (
	limitPlan    = 1.0
	limitApply   = 1.3
	limitStart   = 30 * time.Millisecond
	limitSize    = 28e6
	limitMemory  = 400e6
	bytesPerMega = 1e6
)

// result is all that was measured.
type result struct {
	options     options
	at          time.Time
	version     string
	plan, apply *contest
	start       []time.Duration
	size        int64
}

// broken returns the limits that do not hold.
func (r *result) broken() (all []string) {
	for _, c := range []struct {
		contest *contest
		limit   float64
	}{{r.plan, limitPlan}, {r.apply, limitApply}} {
		if c.contest == nil {
			continue
		}
		if got := c.contest.ratio(c.contest.rivals[0]); got > c.limit {
			all = append(all, fmt.Sprintf("%s takes %.2f times what the hollow provider takes, limit %.1f",
				c.contest.what, got, c.limit))
		}
		if peak := c.contest.rivals[0].peak(); peak >= limitMemory {
			all = append(all, fmt.Sprintf("%s needs %s, limit %s", c.contest.what, mega(peak), mega(limitMemory)))
		}
	}
	if start := median(r.start); start >= limitStart {
		all = append(all, fmt.Sprintf("start-up takes %s, limit %s", millis(start), millis(limitStart)))
	}
	if r.size >= limitSize {
		all = append(all, fmt.Sprintf("the binary has %s, limit %s", mega(r.size), mega(limitSize)))
	}
	return all
}

// ratio returns how long a rival takes, the hollow provider being 1.
func (c *contest) ratio(r *rival) float64 { return r.took().Seconds() / c.rivals[1].took().Seconds() }

func (r *rival) took() time.Duration {
	return medianOf(r.runs, func(x run) time.Duration { return x.took })
}
func (r *rival) cpu() time.Duration {
	return medianOf(r.runs, func(x run) time.Duration { return x.cpu })
}
func (r *rival) providerCPU() time.Duration {
	return medianOf(r.runs, func(x run) time.Duration { return x.providerCPU })
}

func (r *rival) peak() (most int64) {
	for _, x := range r.runs {
		most = max(most, x.peak)
	}
	return most
}

// spread returns the quickest and the slowest run.
func (r *rival) spread() string {
	low := slices.MinFunc(r.runs, func(a, b run) int { return cmp.Compare(a.took, b.took) })
	high := slices.MaxFunc(r.runs, func(a, b run) int { return cmp.Compare(a.took, b.took) })
	return fmt.Sprintf("%.1f to %s", low.took.Seconds(), seconds(high.took))
}

// medianOf returns the median of a figure of several runs.
func medianOf(runs []run, of func(run) time.Duration) time.Duration {
	var values []time.Duration
	for _, r := range runs {
		values = append(values, of(r))
	}
	return median(values)
}

// median returns the middle value, the upper one of an even number; 0 for none.
func median(values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// rows returns the tables: a heading, and what stands below it.
func (r *result) rows() (tables [][][]string) {
	for _, c := range []*contest{r.plan, r.apply} {
		if c == nil {
			continue
		}
		table := [][]string{{strings.ToUpper(c.what[:1]) + c.what[1:], "time", "from, to", "hollow = 1", "CPU in all",
			"hollow = 1", "CPU of the provider", "memory of the provider"}}
		for _, x := range c.rivals {
			own, peak := "", ""
			if x.binary != "" {
				own, peak = seconds(x.providerCPU()), mega(x.peak())
			}
			table = append(table, []string{x.name, seconds(x.took()), x.spread(), fmt.Sprintf("%.2f", c.ratio(x)),
				seconds(x.cpu()), fmt.Sprintf("%.2f", x.cpu().Seconds()/c.rivals[1].cpu().Seconds()), own, peak})
		}
		tables = append(tables, table)
	}
	return append(tables, [][]string{
		{"By itself", "this provider", "limit"},
		{fmt.Sprintf("start-up, median of %d", len(r.start)), millis(median(r.start)), millis(limitStart)},
		{"binary", mega(r.size), mega(limitSize)},
	})
}

// text writes the tables to be read on a terminal.
func (r *result) text(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	for _, table := range r.rows() {
		for _, row := range table {
			_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
		}
		_, _ = fmt.Fprintln(w)
	}
	_, _ = fmt.Fprintln(w, r.circumstances())
	return w.Flush()
}

// Between these lines stand the tables in a page.
const (
	figuresBegin = "<!-- figures of make bench -->"
	figuresEnd   = "<!-- end of the figures -->"
)

// putInto puts the tables into a page, in place of those that it has.
func (r *result) putInto(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), figuresBegin)
	_, after, ends := strings.Cut(rest, figuresEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no lines %s and %s to put the figures between", page, figuresBegin, figuresEnd)
	}
	return os.WriteFile(page, []byte(before+figuresBegin+"\n\n"+r.markdown()+"\n"+figuresEnd+after), 0o644)
}

// markdown returns the tables as they stand in a page.
func (r *result) markdown() string {
	var b strings.Builder
	for _, table := range r.rows() {
		for i, row := range table {
			b.WriteString("| " + strings.Join(row, " | ") + " |\n")
			if i == 0 {
				b.WriteString("|---" + strings.Repeat("|---:", len(row)-1) + "|\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(r.circumstances() + "\n")
	return b.String()
}

func (r *result) circumstances() string {
	return fmt.Sprintf("%s, %s, %s, %d cores (%s/%s); medians of %d rounds, memory at its peak.",
		r.at.Format("2 January 2006"), r.version, runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		r.options.rounds)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
func mega(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/bytesPerMega) }
