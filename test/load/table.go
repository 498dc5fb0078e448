package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table is a table in Markdown.
type table struct{ rows [][]string }

func newTable(heads ...string) *table { return &table{[][]string{heads}} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	for i, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}

// printMachine says where and how the figures were taken.
func printMachine(w io.Writer, pinned bool, command []string) {
	cores := "servers on one core, the client on another"
	if !pinned {
		cores = "**not pinned to cores**"
	}
	fmt.Fprintf(w, "%s, %s, %s, %d cores; %s.\n\n    %s\n",
		time.Now().Format(time.DateOnly), runtime.Version(), processor(), runtime.NumCPU(), cores, strings.Join(command, " "))
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "**short**"
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func extremes(values []float64) (low, high float64) {
	return slices.Min(values), slices.Max(values)
}

func count(values []float64) string { return fmt.Sprintf("%.0f", median(values)) }

func micros(values []float64) string { return fmt.Sprintf("%.0f µs", median(values)) }

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func ratio(r float64) string { return fmt.Sprintf("**%.2f**", r) }
