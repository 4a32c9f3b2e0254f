package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Result is what was measured. Times are in microseconds per call of one thread.
type Result struct {
	Model   string `json:"model"`
	Machine string `json:"machine"`
	Inputs  string `json:"inputs"` // where they come from
	Mode    string `json:"mode"`
	Flags   string `json:"flags,omitempty"` // that shaped the package
	Budget  int    `json:"budget_bytes"`    // of machine code that holds weights
	Rounds  int    `json:"rounds"`

	Path       string             `json:"path"` // that Info reports
	Paths      map[string]*Timing `json:"paths"`
	Throughput []*Throughput      `json:"throughput,omitempty"` // where the package takes several samples or goroutines
	ORT        *ORT               `json:"ort,omitempty"`

	// Of the path that Info reports or, if that was not measured, the first that was: medians over the pairs of turns in
	// the same round. Below them the quartiles.
	Speedup           float64     `json:"speedup_vs_ort,omitempty"`
	SpeedupInt8       float64     `json:"speedup_vs_ort_int8,omitempty"`
	SpeedupCold       float64     `json:"speedup_vs_ort_cold,omitempty"`
	SpeedupSpread     *[2]float64 `json:"speedup_vs_ort_quartiles,omitempty"`
	SpeedupInt8Spread *[2]float64 `json:"speedup_vs_ort_int8_quartiles,omitempty"`
	SpeedupColdSpread *[2]float64 `json:"speedup_vs_ort_cold_quartiles,omitempty"`

	Allocs         float64 `json:"allocs_per_run"`
	StartMicros    float64 `json:"start_us"`                  // from New to the first result, in a fresh process
	ResidentBytes  int     `json:"rss_bytes"`                 // of a program that only runs the model; 0 where the system does not tell
	CodeBytes      int     `json:"code_bytes"`                // machine code of the package, all paths; 0 where the format is not ELF
	WeightsBytes   int     `json:"weights_bytes"`             // of weights.bin
	AssemblyBytes  int     `json:"assembly_bytes"`            // of assembly source
	PackageBytes   int     `json:"package_bytes"`             // of all files
	ProgramBytes   int     `json:"program_bytes"`             // of the program that only runs the model
	CompileSeconds float64 `json:"compile_s"`                 // sbtc
	BuildSeconds   float64 `json:"build_s"`                   // go build
	BuildMemory    int64   `json:"build_rss_bytes,omitempty"` // of the largest process of go build
}

// Timing is the times of one contestant.
type Timing struct {
	Median float64 `json:"median_us"`
	Low    float64 `json:"p25_us"`
	High   float64 `json:"p75_us"`
	Min    float64 `json:"min_us"`
	Turns  int     `json:"turns"`
	Calls  int     `json:"calls"` // in a turn

	Cold     float64 `json:"cold_us,omitempty"`
	ColdLow  float64 `json:"cold_p25_us,omitempty"`
	ColdHigh float64 `json:"cold_p75_us,omitempty"`

	// Of a path, against ONNX Runtime in float32, as Result has it.
	Speedup     float64 `json:"speedup_vs_ort,omitempty"`
	SpeedupCold float64 `json:"speedup_vs_ort_cold,omitempty"`
	SpeedupMin  float64 `json:"speedup_vs_ort_min,omitempty"` // smallest over smallest time
}

// ORT is ONNX Runtime with one thread and all graph optimizations.
type ORT struct {
	Version   string     `json:"version"`
	Model     string     `json:"model,omitempty"` // if it is another one
	FP32      *ORTTiming `json:"fp32,omitempty"`
	Int8      *ORTTiming `json:"int8,omitempty"` // dynamic quantization
	Quantized int        `json:"int8_layers,omitempty"`
	Note      string     `json:"note,omitempty"`
}

// ORTTiming is the times of the faster form of the model.
type ORTTiming struct {
	Timing
	Form   string  `json:"form"`
	Forms  string  `json:"forms"`  // that were tried
	Error  float64 `json:"error"`  // largest difference from the compiled package's outputs, relative to the largest output
	Agrees bool    `json:"agrees"` // within the agreement of compiled packages with the interpreter
}

func micros(nanoseconds float64) float64 { return nanoseconds / 1000 }

// timing describes the turns of c.
func (c *contestant) timing() Timing {
	s := stat(turnsOf(c.times))
	t := Timing{Median: micros(s.Median), Low: micros(s.Low), High: micros(s.High), Min: micros(s.Min), Turns: s.N, Calls: c.calls}
	if cold := turnsOf(c.cold); len(cold) > 0 {
		s := stat(cold)
		t.Cold, t.ColdLow, t.ColdHigh = micros(s.Median), micros(s.Low), micros(s.High)
	}
	return t
}

// speedup is the median of the ratios of turns and their quartiles; 0 and nil where there are none.
func speedup(theirs, ours []float64) (median float64, spread *[2]float64) {
	list := ratios(theirs, ours)
	if len(list) == 0 {
		return 0, nil
	}
	s := stat(list)
	return s.Median, &[2]float64{s.Low, s.High}
}

// summarize makes the result of all turns.
func (w *run) summarize() {
	float, quantized := best(w.contestants, fp32), best(w.contestants, int8)
	var main *contestant
	for _, c := range w.contestants {
		if c.kind != "" {
			continue
		}
		if main == nil || c.name == w.Path {
			main = c
		}
		t := c.timing()
		if float != nil {
			t.Speedup, _ = speedup(float.times, c.times)
			t.SpeedupCold, _ = speedup(float.cold, c.cold)
			t.SpeedupMin = stat(turnsOf(float.times)).Min / stat(turnsOf(c.times)).Min
		}
		w.Result.Paths[c.name] = &t
	}
	w.throughput()
	if float != nil {
		w.ORT.FP32 = &ORTTiming{float.timing(), float.name, formNames(w.contestants, fp32), float.err, float.agrees}
		w.Speedup, w.SpeedupSpread = speedup(float.times, main.times)
		w.SpeedupCold, w.SpeedupColdSpread = speedup(float.cold, main.cold)
	}
	if quantized != nil {
		w.ORT.Int8 = &ORTTiming{quantized.timing(), quantized.name, formNames(w.contestants, int8), quantized.err, quantized.agrees}
		w.SpeedupInt8, w.SpeedupInt8Spread = speedup(quantized.times, main.times)
	}
}

// Text is the result for people.
func (r *Result) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: mode %s", r.Model, r.Mode)
	if r.Flags != "" {
		fmt.Fprintf(&b, ", %s", r.Flags)
	}
	fmt.Fprintf(&b, "; code budget %s; %s\n%s; one thread, %d rounds\n\n", size(r.Budget), r.Inputs, r.Machine, r.Rounds)
	fmt.Fprintf(&b, "%-22s %10s  %-19s %10s %10s %8s %8s\n", "microseconds per call", "median", "quartiles", "smallest", "cold", "ORT/it", "cold")
	line := func(name string, t *Timing) {
		fmt.Fprintf(&b, "%-22s %10.2f  %-19s %10.2f %10s %8s %8s\n", name, t.Median, fmt.Sprintf("%.2f..%.2f", t.Low, t.High), t.Min,
			orDash("%.1f", t.Cold), orDash("%.2fx", t.Speedup), orDash("%.2fx", t.SpeedupCold))
	}
	for _, p := range Paths {
		if t := r.Paths[p]; t != nil {
			line(p, t)
		}
	}
	if o := r.ORT; o != nil {
		for _, k := range []struct {
			name string
			t    *ORTTiming
		}{{"ONNX Runtime", o.FP32}, {"ONNX Runtime int8", o.Int8}} {
			if k.t != nil {
				line(k.name, &k.t.Timing)
			}
		}
		fmt.Fprintf(&b, "\n%s", o.text())
	}
	b.WriteString(r.throughputText())
	fmt.Fprintf(&b, "\n%s:", r.path())
	for _, s := range []struct {
		name   string
		x      float64
		spread *[2]float64
	}{{"ONNX Runtime", r.Speedup, r.SpeedupSpread}, {"int8", r.SpeedupInt8, r.SpeedupInt8Spread}, {"cold", r.SpeedupCold, r.SpeedupColdSpread}} {
		if s.spread != nil {
			fmt.Fprintf(&b, " %.2fx against %s (quartiles %.2f..%.2f);", s.x, s.name, s.spread[0], s.spread[1])
		}
	}
	fmt.Fprintf(&b, " %g allocations per Run\nNew to first result %.0f us; resident %s; machine code %s, weights %s; assembly source %s, package %s, program %s\n",
		r.Allocs, r.StartMicros, size(r.ResidentBytes), size(r.CodeBytes), size(r.WeightsBytes), size(r.AssemblyBytes), size(r.PackageBytes), size(r.ProgramBytes))
	fmt.Fprintf(&b, "compile %.1f s, go build %.1f s, %s\n", r.CompileSeconds, r.BuildSeconds, size(int(r.BuildMemory)))
	return b.String()
}

// path is the one that the ratios of the result are of.
func (r *Result) path() string {
	if r.Paths[r.Path] != nil {
		return r.Path
	}
	return Paths[slices.IndexFunc(Paths, func(p string) bool { return r.Paths[p] != nil })]
}

func (o *ORT) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ONNX Runtime %s", o.Version)
	if o.Model != "" {
		fmt.Fprintf(&b, " on %s", o.Model)
	}
	if t := o.FP32; t != nil {
		fmt.Fprintf(&b, ": %s is the best of: %s; its outputs differ by %.1e of the largest", t.Form, t.Forms, t.Error)
	}
	if t := o.Int8; t != nil {
		fmt.Fprintf(&b, "\nint8: %d layers, %s is the best of: %s; its outputs differ by %.1e", o.Quantized, t.Form, t.Forms, t.Error)
	}
	if o.Note != "" {
		fmt.Fprintf(&b, "\n%s", o.Note)
	}
	return b.String() + "\n"
}

func orDash(format string, x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf(format, x)
}

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n == 0:
		return "-"
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
