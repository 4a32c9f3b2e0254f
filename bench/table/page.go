package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/bench"
)

const intro = `# Performance

Written by

    go run ./bench/table -ort LIBONNXRUNTIME -o docs/performance.md

which makes the models (train/README.md) and runs ` + "`sbtc bench`" + ` on each. Every figure is of one thread, on
%s,
against ONNX Runtime %s with one thread, all graph optimizations and the better of the static and the dynamic-batch form of the
same file. Processes take turns of at least 200 us; a ratio is the median over the pairs of turns in the same round, %s. Before a cold call
96 MB of other memory are read. int8 is ONNX Runtime's dynamic quantization of products with constant matrices; its results are
off by about 1 %%, those of the package agree with float32. Times and sizes of a row are those of one package.

## Ratios

| work | ONNX Runtime in | ratio | at least | aim | |
|---|---|---|---|---|---|
`

const runsIntro = `
## Runs

Microseconds per call: medians, with quartiles for AVX-512 (or what the processor has) and ONNX Runtime. AVX2 / AVX-512 is the ratio of speeds. Code is the
machine code of all paths together; start is from New to the first result in a fresh process; resident is the memory of a
program that does nothing else.

| work | AVX-512 | AVX2 | pure Go | ORT float32 | ORT int8 | cold | ORT cold | AVX2 / AVX-512 |
|---|---|---|---|---|---|---|---|---|
`

const sizesIntro = `
## Packages

| work | flags | mode | code budget | code | weights | assembly source | start us | resident | allocations | compile s | go build s | build MiB |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
`

const manyIntro = `
## Throughput

Samples per second of one instance of the model, on the path that it takes here: in Runs of one sample and of the whole batch, by
the caller alone and shared by two goroutines, in turns of 3 ms or 4 calls after as many calls that do not
count. The gain is over one sample and the caller alone.

| work | samples | goroutines | us per call | samples per second | gain |
|---|---|---|---|---|---|
`

const commandsIntro = `
## Commands

MODEL is what the first command of a row writes, ` + "`--out`" + ` added; ` + "`--ort LIBONNXRUNTIME --json`" + ` goes with each second one.

| work | model | bench |
|---|---|---|
`

// page writes docs/performance.md of the results that there are.
func (c command) page() (string, error) {
	all := map[string][]*bench.Result{}
	var any *bench.Result
	repeat := 1
	for _, w := range works {
		r, err := c.read(w.id)
		if err != nil {
			return "", err
		}
		if r != nil {
			all[w.id], any, repeat = r, r[0], len(r)
		}
	}
	if any == nil {
		return "", fmt.Errorf("no results in %s", c.work)
	}
	var b strings.Builder
	how := "at least 15 of them"
	if repeat > 1 {
		how += fmt.Sprintf(", and the smallest of %d runs", repeat)
	}
	fmt.Fprintf(&b, intro, any.Machine, any.ORT.Version, how)
	for _, g := range goals {
		b.WriteString(g.row(all))
	}
	b.WriteString(runsIntro)
	for _, w := range works {
		if r := all[w.id]; r != nil && !w.many {
			b.WriteString(timesRow(w, r[0]))
		}
	}
	b.WriteString(sizesIntro)
	for _, w := range works {
		if r := all[w.id]; r != nil && !w.many {
			b.WriteString(sizesRow(w, r[0]))
		}
	}
	b.WriteString(manyIntro)
	for _, w := range works {
		if r := all[w.id]; r != nil && w.many {
			b.WriteString(manyRows(w, r[0]))
		}
	}
	b.WriteString(commandsIntro)
	for _, w := range works {
		if all[w.id] != nil {
			b.WriteString(commandsRow(w))
		}
	}
	return b.String(), nil
}

func nameOf(id string) string {
	return works[slices.IndexFunc(works, func(w work) bool { return w.id == id })].name
}

// of returns a figure, the smallest of repeated runs; 0 if it was not measured.
func (f figure) of(results []*bench.Result) float64 {
	least := math.Inf(1)
	for _, r := range results {
		switch f {
		case hot:
			least = min(least, r.Speedup)
		case cold:
			least = min(least, r.SpeedupCold)
		case int8:
			least = min(least, r.SpeedupInt8)
		}
	}
	if math.IsInf(least, 0) {
		return 0
	}
	return least
}

// row is the goal beside what was reached.
func (g goal) row(all map[string][]*bench.Result) string {
	name, product := g.name, 1.0
	if name == "" {
		name = nameOf(g.works[0])
	}
	for _, id := range g.works {
		product *= g.figure.of(all[id])
	}
	reached, verdict := "-", "not measured"
	if product > 0 {
		ratio := math.Pow(product, 1/float64(len(g.works)))
		reached = fmt.Sprintf("%.2fx", ratio)
		switch {
		case ratio >= g.aim:
			verdict = "aim reached"
		case ratio >= g.least:
			verdict = "reached"
		default:
			verdict = "**open**"
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %gx | %gx | %s |\n", name, g.figure, reached, g.least, g.aim, verdict)
}

// manyRows are the samples per second of one work.
func manyRows(w work, r *bench.Result) string {
	var b strings.Builder
	for _, t := range r.Throughput {
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %.0f | %.2fx |\n", w.name, t.Samples, t.Workers, number(t.Median), t.PerSecond, t.Gain)
	}
	return b.String()
}

func timesRow(w work, r *bench.Result) string {
	path := func(name string) string {
		if t := r.Paths[name]; t != nil {
			return number(t.Median)
		}
		return "-"
	}
	withSpread := func(t *bench.Timing) string {
		return fmt.Sprintf("%s (%s..%s)", number(t.Median), number(t.Low), number(t.High))
	}
	main, float, int8, share, coldTime := "-", "-", "-", "-", "-"
	if t := r.Paths["avx512"]; t != nil {
		main, coldTime = withSpread(t), number(t.Cold)
		if o := r.Paths["avx2"]; o != nil {
			share = fmt.Sprintf("%.2f", t.Median/o.Median)
		}
	}
	theirCold := "-"
	if r.ORT.FP32 != nil {
		float, theirCold = withSpread(&r.ORT.FP32.Timing), number(r.ORT.FP32.Cold)
	}
	if r.ORT.Int8 != nil {
		int8 = number(r.ORT.Int8.Median)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", w.name, main, path("avx2"), path("purego"), float, int8, coldTime, theirCold, share)
}

func sizesRow(w work, r *bench.Result) string {
	flags := strings.Join(w.flags, " ")
	if flags == "" {
		flags = "-"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %.0f | %s | %g | %.1f | %.1f | %d |\n", w.name, flags, r.Mode, kib(r.Budget),
		kib(r.CodeBytes), kib(r.WeightsBytes), kib(r.AssemblyBytes), r.StartMicros, kib(r.ResidentBytes), r.Allocs,
		r.CompileSeconds, r.BuildSeconds, r.BuildMemory>>20)
}

func commandsRow(w work) string {
	args := w.flags
	if w.peer != nil {
		args = append(slices.Clone(args), "--ort-model FOLDED")
	}
	if w.paths != "" {
		args = append(slices.Clone(args), "--paths "+w.paths)
	}
	return fmt.Sprintf("| %s | `python3 -m %s` | `sbtc bench %s` |\n", w.name, strings.Join(w.make, " "), strings.Join(append([]string{"MODEL"}, args...), " "))
}

// number prints microseconds with three digits.
func number(x float64) string {
	switch {
	case x == 0:
		return "-"
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

func kib(n int) string {
	if n < 10<<20 {
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
