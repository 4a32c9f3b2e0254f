package main

// A work is a model that is measured in one way.
type work struct {
	id    string   // of its files
	name  string   // for people
	make  []string // python3 -m ...; the file follows as --out
	flags []string // that shape the package
	peer  []string // makes the model that ONNX Runtime runs instead; nil for the same
	paths string   // to measure; "" for all
	many  bool     // for samples per second: a row of that table alone
}

// A goal is a ratio to reach against ONNX Runtime: at least, and the aim. Several works count by their geometric mean.
type goal struct {
	name       string
	works      []string
	figure     figure
	least, aim float64
}

// A figure is one of the ratios of a result.
type figure string

const (
	hot  figure = "float32, hot"
	cold figure = "float32, cold"
	int8 figure = "int8, hot"
)

func shape(args ...string) []string   { return append([]string{"train.shapes"}, args...) }
func named(name string) []string      { return shape("--name", name) }
func folded(name string) []string     { return shape("--name", name, "--hand-folded") }
func encoder(args ...string) []string { return shape(append([]string{"--encoder"}, args...)...) }

func short(density string) []string {
	return encoder("--window", "10", "--d-ff", "128", "--layers", "1", "--density", density)
}

func layer(sizes string, args ...string) []string {
	return shape(append([]string{"--layer", sizes}, args...)...)
}

func full(args ...string) []string {
	return append([]string{"train.fullsize", "--model", "transformer"}, args...)
}

var (
	ternary = []string{"--density", "0.35"}
	dense   = []string{"--density", "1", "--dense"}
	large   = []string{"--code-budget", "64MiB"}
	shared  = []string{"--workers", "2"}
	batch16 = append([]string{"--dim", "batch=16"}, shared...)
)

// open leaves the number of samples open.
const open = "--open-batch"

// fast leaves out pure Go, which takes seconds there.
const fast = "avx512,avx2"

var works = []work{
	{id: "smd", name: "SBT anomaly, SMD", make: named("smd")},
	{id: "msl", name: "SBT anomaly, MSL", make: named("msl")},
	{id: "smap", name: "SBT anomaly, SMAP", make: named("smap")},
	{id: "ettm1", name: "SBT forecast, ETTm1, masked gamma", make: named("ettm1")},
	{id: "ettm1-plain", name: "SBT forecast, ETTm1, plain gamma", make: shape("--name", "ettm1", "--gamma", "plain")},
	{id: "wth-plain", name: "SBT forecast, WTH, plain gamma", make: shape("--name", "wth", "--gamma", "plain")},
	{id: "jv", name: "SBT classification, JapaneseVowels", make: named("japanesevowels")},
	{id: "sad", name: "SBT classification, SpokenArabicDigits", make: named("spokenarabicdigits-k90")},
	{id: "heartbeat", name: "SBT classification, Heartbeat", make: named("heartbeat-k90")},
	{id: "smd-folded", name: "SMD, ONNX Runtime on a graph folded by hand", make: named("smd"), peer: folded("smd")},
	{id: "smap-folded", name: "SMAP, ONNX Runtime on a graph folded by hand", make: named("smap"), peer: folded("smap")},
	{id: "ettm1-folded", name: "ETTm1, ONNX Runtime on a graph folded by hand", make: named("ettm1"), peer: folded("ettm1")},
	{id: "enc-dense", name: "encoder of 96 steps, dense", make: encoder(dense...)},
	{id: "enc-35", name: "encoder of 96 steps, ternary .35", make: encoder("--density", "0.35")},
	{id: "enc-10", name: "encoder of 96 steps, ternary .10", make: encoder("--density", "0.1")},
	{id: "short-35", name: "encoder of 10 steps, ternary .35", make: short("0.35")},
	{id: "short-10", name: "encoder of 10 steps, ternary .10", make: short("0.1")},
	{id: "pals-dense", name: "PALS Transformer, float32, dense", make: full(), paths: fast},
	{id: "pals-35", name: "PALS Transformer, float32, 35 % left", make: full("--density", "0.35"), paths: fast},
	{id: "pals-20", name: "PALS Transformer, float32, 20 % left", make: full("--density", "0.2")},
	{id: "pals-10", name: "PALS Transformer, float32, 10 % left", make: full("--density", "0.1"), paths: fast},
	{id: "pals-binary", name: "PALS Transformer, binary", make: full("--ternary"), flags: large, paths: fast},
	{id: "pals-t35", name: "PALS Transformer, ternary .35", make: full("--ternary", "--density", "0.35"), flags: large, paths: fast},
	{id: "pals-t10", name: "PALS Transformer, ternary .10", make: full("--ternary", "--density", "0.1"), flags: large, paths: fast},
	{id: "pals-t35-default", name: "PALS Transformer, ternary .35, default budget", make: full("--ternary", "--density", "0.35")},
	{id: "layer-512-512", name: "layer of 96 rows, 512 x 512, ternary .35", make: layer("96x512x512", ternary...)},
	{id: "layer-512-2048", name: "layer of 96 rows, 512 x 2048, ternary .35", make: layer("96x512x2048", ternary...)},
	{id: "layer-2048-512", name: "layer of 96 rows, 2048 x 512, ternary .35", make: layer("96x2048x512", ternary...)},
	{id: "row-512-512", name: "one row, 512 x 512, ternary .35", make: layer("1x512x512", ternary...)},
	{id: "row-512-2048", name: "one row, 512 x 2048, ternary .35", make: layer("1x512x2048", ternary...)},
	{id: "smd-many", name: "SBT anomaly, SMD", make: append(named("smd"), open), flags: batch16, paths: fast, many: true},
	{id: "jv-many", name: "SBT classification, JapaneseVowels", make: append(named("japanesevowels"), open), flags: batch16, paths: fast, many: true},
	{id: "enc-many", name: "encoder of 96 steps, ternary .35", make: encoder("--density", "0.35", open), flags: batch16, paths: fast, many: true},
	{id: "short-many", name: "encoder of 10 steps, ternary .35", make: append(short("0.35"), open), flags: batch16, paths: fast, many: true},
	{id: "pals-many", name: "PALS Transformer, float32, dense", make: full(), flags: shared, paths: fast, many: true},
	{id: "pals-10-many", name: "PALS Transformer, float32, 10 % left", make: full("--density", "0.1"), flags: shared, paths: fast, many: true},
	{id: "layer-dense", name: "layer of 96 rows, 512 x 512, dense", make: layer("96x512x512", dense...)},
}

var goals = []goal{
	{works: one("smd"), figure: hot, least: 25, aim: 35},
	{works: one("msl"), figure: hot, least: 13, aim: 18},
	{works: one("smap"), figure: hot, least: 17, aim: 22},
	{works: one("ettm1"), figure: hot, least: 14, aim: 17},
	{works: one("ettm1-plain"), figure: hot, least: 8.5, aim: 10},
	{works: one("wth-plain"), figure: hot, least: 8.5, aim: 11},
	{works: one("jv"), figure: hot, least: 9, aim: 11},
	{works: one("sad"), figure: hot, least: 3.3, aim: 4.2},
	{works: one("heartbeat"), figure: hot, least: 2.1, aim: 2.8},
	{works: one("smd-folded"), figure: hot, least: 7, aim: 9},
	{works: one("smap-folded"), figure: hot, least: 8.5, aim: 11},
	{works: one("ettm1-folded"), figure: hot, least: 7.5, aim: 9},
	{works: one("smd"), figure: cold, least: 8, aim: 12},
	{works: one("ettm1"), figure: cold, least: 3.5, aim: 6},
	{works: one("jv"), figure: cold, least: 2.5, aim: 5},
	{works: one("enc-dense"), figure: hot, least: 1.5, aim: 1.8},
	{works: one("enc-35"), figure: hot, least: 3.6, aim: 4.2},
	{works: one("enc-10"), figure: hot, least: 4.7, aim: 5.5},
	{works: one("short-35"), figure: hot, least: 6.5, aim: 8},
	{works: one("short-10"), figure: hot, least: 9.5, aim: 11},
	{works: one("pals-dense"), figure: hot, least: 1.15, aim: 1.5},
	{works: one("pals-35"), figure: hot, least: 2.3, aim: 2.8},
	{works: one("pals-20"), figure: hot, least: 3.4, aim: 4.2},
	{works: one("pals-10"), figure: hot, least: 5.5, aim: 7},
	{works: one("pals-binary"), figure: hot, least: 4, aim: 4.8},
	{works: one("pals-t35"), figure: hot, least: 3.5, aim: 4.5},
	{works: one("pals-t10"), figure: hot, least: 7, aim: 9},
	{works: one("pals-t35-default"), figure: hot, least: 2, aim: 3},
	{
		name: "layers of 96 rows, ternary .35, geometric mean", works: []string{"layer-512-512", "layer-512-2048", "layer-2048-512"},
		figure: int8, least: 0.95, aim: 1.3,
	},
	{works: one("row-512-512"), figure: hot, least: 5.5, aim: 7},
	{works: one("row-512-2048"), figure: hot, least: 5.5, aim: 7},
	{works: one("layer-dense"), figure: hot, least: 0.95, aim: 1},
}

func one(id string) []string { return []string{id} }
