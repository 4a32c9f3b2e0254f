package op

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var text = []Def{
	{Name: "StringConcat", Since: 20, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Of(ir.String)}, Proto: &StringConcat{}},
	{Name: "StringSplit", Since: 20, In: Arity{1, 1}, Out: Arity{1, 2}, Types: []Types{Of(ir.String)}, Proto: &StringSplit{}},
	{Name: "StringNormalizer", Since: 10, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Of(ir.String)}, Proto: &StringNormalizer{}},
	{Name: "RegexFullMatch", Since: 20, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Of(ir.String)}, Proto: &RegexFullMatch{}},
}

// StringConcat is https://onnx.ai/onnx/operators/onnx__StringConcat.html, version 20.
type StringConcat struct{}

// Name is the operator's ONNX name.
func (*StringConcat) Name() string { return "StringConcat" }

// Infer broadcasts.
func (*StringConcat) Infer(in []*ir.Value) ([]ir.Type, error) { return typed(ir.String, in...) }

// Eval joins element by element.
func (*StringConcat) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in, err := together(in...)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(ir.Data[string](in[0]))
	for i, s := range ir.Data[string](in[1]) {
		out[i] += s
	}
	return []*ir.Tensor{ir.Of(ir.String, in[0].Shape, out)}, nil
}

// Lower calls a kernel.
func (*StringConcat) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	y := n.Out[0].Type.Shape
	strides := func(i int) []int { return low.BroadcastStrides(n.In[i].Type.Shape, y) }
	return call(b, n, "stringConcat", shapeOf(n.Out[0]), strides(0), strides(1))
}

// StringSplit is https://onnx.ai/onnx/operators/onnx__StringSplit.html, version 20: its results are the pieces, on an
// axis of their own that empty strings fill up, and how many there are. Without a delimiter, runs of blanks separate
// and those at the ends do not count.
type StringSplit struct {
	Delimiter string `onnx:"delimiter"`
	MaxSplit  *int   `onnx:"maxsplit"` // nil or negative: as often as possible
}

// Name is the operator's ONNX name.
func (*StringSplit) Name() string { return "StringSplit" }

// Infer appends an axis whose length depends on the values.
func (*StringSplit) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	if x.NoRank {
		return []ir.Type{x, {DType: ir.Int64, NoRank: true}}, nil
	}
	return []ir.Type{{DType: ir.String, Shape: append(slices.Clone(x.Shape), -1)}, {DType: ir.Int64, Shape: x.Shape}}, nil
}

func (s *StringSplit) limit() int {
	if s.MaxSplit == nil {
		return -1
	}
	return max(*s.MaxSplit, -1)
}

func (s *StringSplit) split(x string) []string {
	n := s.limit()
	if s.Delimiter != "" {
		if n >= 0 {
			n++
		}
		return strings.SplitN(x, s.Delimiter, n)
	}
	if n < 0 {
		return strings.Fields(x)
	}
	var out []string
	for x = trimLeft(x); x != ""; x = trimLeft(x) {
		if len(out) == n {
			return append(out, x)
		}
		word := strings.Fields(x)[0]
		out, x = append(out, word), x[len(word):]
	}
	return out
}

func trimLeft(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return s[strings.Index(s, f[0]):]
	}
	return ""
}

// Eval splits.
func (s *StringSplit) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	var pieces [][]string
	counts, most := make([]int64, 0, in[0].Len()), 0
	for _, x := range ir.Data[string](in[0]) {
		p := s.split(x)
		pieces, counts, most = append(pieces, p), append(counts, int64(len(p))), max(most, len(p))
	}
	y := ir.NewTensor(ir.String, append(slices.Clone(in[0].Shape), most)...)
	for i, p := range pieces {
		copy(ir.Data[string](y)[i*most:], p)
	}
	return []*ir.Tensor{y, ir.Of(ir.Int64, in[0].Shape, counts)}, nil
}

// Lower calls a kernel, which compares the largest number of pieces with the declared one.
func (s *StringSplit) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	most := -1
	if y := n.Out[0]; y != nil {
		most = y.Type.Features()
	}
	return call(b, withOutputs(n, 2), "stringSplit", s.Delimiter, s.limit(), most)
}

// StringNormalizer is https://onnx.ai/onnx/operators/onnx__StringNormalizer.html, version 10: it drops the strings
// that are stop words and changes the case of the others. If none is left the result is one empty string.
type StringNormalizer struct {
	Action    string   `onnx:"case_change_action,NONE"` // NONE, LOWER or UPPER
	Sensitive bool     `onnx:"is_case_sensitive,0"`     // stop words must have the same case
	Locale    string   `onnx:"locale"`
	StopWords []string `onnx:"stopwords"`
}

// Name is the operator's ONNX name.
func (*StringNormalizer) Name() string { return "StringNormalizer" }

// Infer returns [?] or [1, ?]: the number of strings depends on the values.
func (s *StringNormalizer) Infer(in []*ir.Value) ([]ir.Type, error) {
	if !slices.Contains([]string{"NONE", "LOWER", "UPPER"}, s.Action) {
		return nil, fmt.Errorf("case_change_action %q, it must be NONE, LOWER or UPPER", s.Action)
	}
	lang, _, _ := strings.Cut(strings.ReplaceAll(s.Locale, "-", "_"), "_")
	if slices.Contains([]string{"tr", "az", "lt"}, lang) {
		return nil, fmt.Errorf("locale %q has rules of its own for case, which are not supported", s.Locale)
	}
	x := in[0].Type
	if x.NoRank {
		return noRank(ir.String), nil
	}
	if len(x.Shape) != 1 && (len(x.Shape) != 2 || x.Shape[0] != 1) {
		return nil, fmt.Errorf("%v, it must be [n] or [1, n]", x)
	}
	shape := slices.Clone(x.Shape)
	shape[len(shape)-1] = -1
	if s.StopWords == nil && x.Features() > 0 {
		shape[len(shape)-1] = x.Features()
	}
	return oneType(ir.String, shape), nil
}

// Eval filters, then changes the case.
func (s *StringNormalizer) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	fold := func(x string) string {
		if s.Sensitive {
			return x
		}
		return strings.ToLower(x)
	}
	stop := map[string]bool{}
	for _, w := range s.StopWords {
		stop[fold(w)] = true
	}
	var out []string
	for _, x := range ir.Data[string](in[0]) {
		if stop[fold(x)] {
			continue
		}
		switch s.Action {
		case "LOWER":
			x = strings.ToLower(x)
		case "UPPER":
			x = strings.ToUpper(x)
		}
		out = append(out, x)
	}
	if out == nil {
		out = []string{""}
	}
	shape := slices.Clone(in[0].Shape)
	shape[len(shape)-1] = len(out)
	return []*ir.Tensor{ir.Of(ir.String, shape, out)}, nil
}

// Lower calls a kernel, which compares the number of strings with the declared one.
func (s *StringNormalizer) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return call(b, n, "stringNormalizer", s.Action, s.Sensitive, append([]string{}, s.StopWords...))
}

// RegexFullMatch is https://onnx.ai/onnx/operators/onnx__RegexFullMatch.html, version 20; patterns are in RE2's syntax.
type RegexFullMatch struct {
	Pattern string `onnx:"pattern"`
}

// Name is the operator's ONNX name.
func (*RegexFullMatch) Name() string { return "RegexFullMatch" }

func (r *RegexFullMatch) compile() (*regexp.Regexp, error) {
	if _, err := regexp.Compile(r.Pattern); err != nil {
		return nil, fmt.Errorf("attribute pattern: %w", err)
	}
	return regexp.Compile(`\A(?:` + r.Pattern + `)\z`)
}

// Infer returns the shape of the input.
func (r *RegexFullMatch) Infer(in []*ir.Value) ([]ir.Type, error) {
	if _, err := r.compile(); err != nil {
		return nil, err
	}
	return typed(ir.Bool, in[0])
}

// Eval matches.
func (r *RegexFullMatch) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	re, err := r.compile()
	if err != nil {
		return nil, err
	}
	out := make([]bool, in[0].Len())
	for i, s := range ir.Data[string](in[0]) {
		out[i] = re.MatchString(s)
	}
	return []*ir.Tensor{ir.Of(ir.Bool, in[0].Shape, out)}, nil
}

// Lower calls a kernel.
func (r *RegexFullMatch) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return call(b, n, "regexFullMatch", r.Pattern)
}
