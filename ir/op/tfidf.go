package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

var tfidf = []Def{
	{Name: "TfIdfVectorizer", Since: 9, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Indices | Of(ir.String)}, Proto: &TfIdfVectorizer{}},
	{Name: "ai.onnx.ml.LabelEncoder", Since: 4, From: 2, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{labelTypes}, Proto: &LabelEncoder{}},
	{Name: "ai.onnx.ml.LabelEncoder", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Of(ir.Int64, ir.String)}, Upgrade: func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		classes := Take[[]string](n, "classes_strings", nil)
		numbers := make([]int64, len(classes))
		for i := range numbers {
			numbers[i] = int64(i)
		}
		from, to := "keys_strings", "values_int64s"
		if n.In[0].Type.DType == ir.Int64 {
			n.Attrs["keys_int64s"], n.Attrs["values_strings"] = numbers, classes
		} else {
			n.Attrs[from], n.Attrs[to] = classes, numbers
		}
		return nil, nil
	}},
}

// TfIdfVectorizer is https://onnx.ai/onnx/operators/onnx__TfIdfVectorizer.html, version 9: it counts, in every row,
// the n-grams of the pool, with up to MaxSkip elements left out between neighbours, single elements once. Weights
// belong to the columns of the result.
type TfIdfVectorizer struct {
	MaxGram int       `onnx:"max_gram_length,0"`
	MaxSkip int       `onnx:"max_skip_count,0"`
	MinGram int       `onnx:"min_gram_length,0"`
	Mode    string    `onnx:"mode"`          // TF: counts; IDF: the weights of what occurs; TFIDF: counts times weights
	Counts  []int     `onnx:"ngram_counts"`  // where in the pool the n-grams of 1, 2, ... elements begin
	Indexes []int     `onnx:"ngram_indexes"` // the column of each n-gram of the pool
	Int64s  []int     `onnx:"pool_int64s"`
	Strings []string  `onnx:"pool_strings"`
	Weights []float32 `onnx:"weights"`
}

// Name is the operator's ONNX name.
func (*TfIdfVectorizer) Name() string { return "TfIdfVectorizer" }

// grams calls f with the position in the pool, the length and the column of every n-gram that is to be counted.
func (t *TfIdfVectorizer) grams(f func(at, n, column int)) error {
	pool := max(len(t.Int64s), len(t.Strings))
	id := 0
	for k, begin := range t.Counts {
		n, end := k+1, pool
		if k+1 < len(t.Counts) {
			end = t.Counts[k+1]
		}
		if begin < 0 || end < begin || end > pool || (end-begin)%n != 0 {
			return fmt.Errorf("ngram_counts %v of a pool of %d", t.Counts, pool)
		}
		for at := begin; at < end; at += n {
			if id >= len(t.Indexes) {
				return fmt.Errorf("%d ngram_indexes, the pool has more n-grams", len(t.Indexes))
			}
			if n >= t.MinGram && n <= t.MaxGram {
				f(at, n, t.Indexes[id])
			}
			id++
		}
	}
	return nil
}

// Infer returns a row of as many columns as the largest index asks for.
func (t *TfIdfVectorizer) Infer(in []*ir.Value) ([]ir.Type, error) {
	x := in[0].Type
	switch {
	case t.Mode != "TF" && t.Mode != "IDF" && t.Mode != "TFIDF":
		return nil, fmt.Errorf("mode %q, it must be TF, IDF or TFIDF", t.Mode)
	case t.MinGram < 1 || t.MaxGram < t.MinGram || t.MaxSkip < 0:
		return nil, fmt.Errorf("min_gram_length %d, max_gram_length %d, max_skip_count %d", t.MinGram, t.MaxGram, t.MaxSkip)
	case len(t.Indexes) == 0 || slices.Min(t.Indexes) < 0 || slices.Max(t.Indexes) >= 1<<30:
		return nil, fmt.Errorf("ngram_indexes %v", t.Indexes)
	case x.DType == ir.String && t.Strings == nil || x.DType != ir.String && t.Int64s == nil:
		return nil, errors.New("the pool of the element type of the input is missing")
	}
	width := slices.Max(t.Indexes) + 1
	if t.Weights != nil && len(t.Weights) != width {
		return nil, fmt.Errorf("%d weights for %d columns", len(t.Weights), width)
	}
	if err := t.grams(func(int, int, int) {}); err != nil {
		return nil, err
	}
	switch {
	case x.NoRank:
		return noRank(ir.Float32), nil
	case len(x.Shape) == 1:
		return oneType(ir.Float32, []int{width}), nil
	case len(x.Shape) == 2:
		return oneType(ir.Float32, []int{x.Shape[0], width}), nil
	}
	return nil, fmt.Errorf("%v, it must be [n] or [batch, n]", x)
}

// Eval compares what stands at every place with every n-gram; of equal n-grams of the pool only the last counts.
func (t *TfIdfVectorizer) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	var key func(i int) any
	var pool func(i int) any
	if x.DType == ir.String {
		s := ir.Data[string](x)
		key, pool = func(i int) any { return s[i] }, func(i int) any { return t.Strings[i] }
	} else {
		s := x.IntsAsInt()
		key, pool = func(i int) any { return s[i] }, func(i int) any { return t.Int64s[i] }
	}
	columns := map[string]int{}
	name := func(n int, at func(i int) any) (s string) {
		for i := range n {
			s += fmt.Sprintf("%q ", fmt.Sprint(at(i)))
		}
		return s
	}
	if err := t.grams(func(at, n, column int) {
		columns[name(n, func(i int) any { return pool(at + i) })] = column
	}); err != nil {
		return nil, err
	}
	width, cols := slices.Max(t.Indexes)+1, x.Shape[len(x.Shape)-1]
	shape := append(slices.Clone(x.Shape[:len(x.Shape)-1]), width)
	out := make([]float64, ir.Size(shape))
	for row := range ir.Size(x.Shape[:len(x.Shape)-1]) {
		for n := t.MinGram; n <= t.MaxGram; n++ {
			for step := 1; step <= t.MaxSkip+1 && (n > 1 || step == 1); step++ {
				for i := 0; i+(n-1)*step < cols; i++ {
					c, ok := columns[name(n, func(k int) any { return key(row*cols + i + k*step) })]
					if ok {
						out[row*width+c]++
					}
				}
			}
		}
	}
	for i, n := range out {
		w := 1.0
		if t.Weights != nil {
			w = float64(t.Weights[i%width])
		}
		switch {
		case t.Mode == "TFIDF":
			out[i] = n * w
		case t.Mode == "IDF" && n > 0:
			out[i] = w
		}
	}
	return []*ir.Tensor{ir.FromFloats(ir.Float32, shape, out)}, nil
}

// Lower calls a kernel.
func (t *TfIdfVectorizer) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if err := static(n); err != nil {
		return nil, err
	}
	at, lens, columns := []int{}, []int{}, []int{}
	if err := t.grams(func(p, n, c int) { at, lens, columns = append(at, p), append(lens, n), append(columns, c) }); err != nil {
		return nil, err
	}
	weights := []float64{}
	if t.Mode != "TF" {
		for _, w := range t.Weights {
			weights = append(weights, float64(w))
		}
	}
	cols, width := n.In[0].Type.Features(), n.Out[0].Type.Features()
	if n.In[0].Type.DType == ir.String {
		return call(b, n, "tfIdfStrings", cols, width, t.Strings, at, lens, columns, t.MaxSkip, t.Mode == "IDF", weights)
	}
	return call(b, n, "tfIdfInts", cols, width, t.Int64s, at, lens, columns, t.MaxSkip, t.Mode == "IDF", weights)
}

var labelTypes = Of(ir.Float32, ir.Float64, ir.Int16, ir.Int32, ir.Int64, ir.String)

// LabelEncoder is https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html, version 4: it replaces keys by
// values; of equal keys the first counts, NaN is one key.
type LabelEncoder struct {
	KeysFloats    []float32  `onnx:"keys_floats"`
	KeysInt64s    []int      `onnx:"keys_int64s"`
	KeysStrings   []string   `onnx:"keys_strings"`
	KeysTensor    *ir.Tensor `onnx:"keys_tensor"`
	ValuesFloats  []float32  `onnx:"values_floats"`
	ValuesInt64s  []int      `onnx:"values_int64s"`
	ValuesStrings []string   `onnx:"values_strings"`
	ValuesTensor  *ir.Tensor `onnx:"values_tensor"`
	DefaultFloat  float32    `onnx:"default_float,-0"`
	DefaultInt64  int        `onnx:"default_int64,-1"`
	DefaultString string     `onnx:"default_string,_Unused"`
	DefaultTensor *ir.Tensor `onnx:"default_tensor"`
}

// Name is the operator's ONNX name.
func (*LabelEncoder) Name() string { return "ai.onnx.ml.LabelEncoder" }

// list returns the one of the four attributes that is there as a tensor.
func list(what string, f []float32, i []int, s []string, t *ir.Tensor) (*ir.Tensor, error) {
	var out []*ir.Tensor
	if f != nil {
		out = append(out, ir.Of(ir.Float32, []int{len(f)}, f))
	}
	if i != nil {
		x := ir.NewTensor(ir.Int64, len(i))
		for k, v := range i {
			x.SetInt(k, int64(v))
		}
		out = append(out, x)
	}
	if s != nil {
		out = append(out, ir.Of(ir.String, []int{len(s)}, s))
	}
	if t != nil {
		out = append(out, t)
	}
	if len(out) != 1 || !labelTypes.has(out[0].DType) {
		return nil, fmt.Errorf("one attribute %s_... must be there, of %v", what, labelTypes)
	}
	return out[0], nil
}

func (l *LabelEncoder) lists() (keys, values, def *ir.Tensor, err error) {
	if keys, err = list("keys", l.KeysFloats, l.KeysInt64s, l.KeysStrings, l.KeysTensor); err != nil {
		return nil, nil, nil, err
	}
	if values, err = list("values", l.ValuesFloats, l.ValuesInt64s, l.ValuesStrings, l.ValuesTensor); err != nil {
		return nil, nil, nil, err
	}
	if keys.Len() != values.Len() {
		return nil, nil, nil, fmt.Errorf("%d keys and %d values", keys.Len(), values.Len())
	}
	switch d := values.DType; {
	case l.DefaultTensor != nil:
		def = l.DefaultTensor
		if def.Len() != 1 || def.DType != d {
			return nil, nil, nil, fmt.Errorf("default_tensor is %v, it must be one %v", def.Type(), d)
		}
	case d == ir.String:
		def = ir.Of(d, nil, []string{l.DefaultString})
	case d.IsFloat():
		def = ir.FromFloats(d, nil, []float64{float64(l.DefaultFloat)})
	default:
		def = ir.FromInts(d, nil, []int64{int64(l.DefaultInt64)})
	}
	return keys, values, def, nil
}

// Infer returns the shape of the input with the type of the values.
func (l *LabelEncoder) Infer(in []*ir.Value) ([]ir.Type, error) {
	keys, values, _, err := l.lists()
	if err != nil {
		return nil, err
	}
	if keys.DType != in[0].Type.DType {
		return nil, fmt.Errorf("keys are %v, the input is %v", keys.DType, in[0].Type)
	}
	return typed(values.DType, in[0])
}

// Eval looks every element up.
func (l *LabelEncoder) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	keys, values, def, err := l.lists()
	if err != nil {
		return nil, err
	}
	text := func(t *ir.Tensor) []string {
		if t.DType == ir.String {
			return ir.Data[string](t)
		}
		out := make([]string, t.Len())
		for i := range out {
			if t.DType.IsFloat() {
				out[i] = fmt.Sprint(t.Floats()[i] + 0) // -0 is 0
			} else {
				out[i] = fmt.Sprint(t.Ints()[i])
			}
		}
		return out
	}
	at := map[string]int{}
	for i, k := range text(keys) {
		if _, ok := at[k]; !ok {
			at[k] = i
		}
	}
	y := ir.NewTensor(values.DType, in[0].Shape...)
	for i, k := range text(in[0]) {
		if j, ok := at[k]; ok {
			y.CopyElem(i, values, j)
		} else {
			y.CopyElem(i, def, 0)
		}
	}
	return []*ir.Tensor{y}, nil
}

// Lower calls a kernel.
func (l *LabelEncoder) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	keys, values, def, err := l.lists()
	if err != nil {
		return nil, err
	}
	kind := func(t *ir.Tensor) (string, any) {
		switch {
		case t.DType == ir.String:
			return "Strings", append([]string{}, ir.Data[string](t)...)
		case t.DType.IsFloat():
			return "Floats", t.Floats()
		}
		return "Ints", t.IntsAsInt()
	}
	from, ks := kind(keys)
	to, vs := kind(values)
	_, d := kind(def.Reshape(1))
	return call(b, n, "label"+from+to, ks, vs, d)
}
