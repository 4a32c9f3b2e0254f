package runtime

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/internal/suite"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/passes"
)

// kernels lists library kernels by the name that calls use, generic ones once by element type.
var kernels = map[string][]any{
	"averagePool": {averagePool[float32], averagePool[float64]},
	"bitCast": {bitCast[int32, float32], bitCast[float32, int32], bitCast[uint64, float64], bitCast[uint8, int8], bitCast[uint8, bool],
		bitCast[bool, uint8]},
	"convolve":             {convolve[float64], convolve[int32]},
	"convolve32":           {convolve32},
	"convolveTransposed":   {convolveTransposed},
	"convolveTransposed32": {convolveTransposed32},
	"cumulateFloats":       {cumulateFloats[float32, int32], cumulateFloats[float32, int64], cumulateFloats[float64, int32]},
	"cumulateInts":         {cumulateInts[int32, int32], cumulateInts[int32, int64]},
	"decodeFloats":         {decodeFloats},
	"dropout":              {dropout[float32]},
	"encodeFloats":         {encodeFloats[float32], encodeFloats[float64]},
	"equalStrings":         {equalStrings},
	"formatNumbers":        {formatNumbers[float32], formatNumbers[int8], formatNumbers[uint64], formatNumbers[bool]},
	"deformConv":           {deformConv[float32], deformConv[float64]},
	"determinant":          {determinant[float32], determinant[float64]},
	"dft":                  {dft[float32], dft[float64]},
	"gru":                  {gru[float32], gru[float64]},
	"linearAttention":      {linearAttention[float32]},
	"lpPool":               {lpPool[float32], lpPool[float64]},
	"lstm":                 {lstm[float32], lstm[float64]},
	"maxPool":              {maxPool[float32], maxPool[float64], maxPool[int8], maxPool[uint8]},
	"maxPoolIndices":       {maxPoolIndices[float32], maxPoolIndices[int8]},
	"maxRoiPool":           {maxRoiPool[float32], maxRoiPool[float64]},
	"parseFloats":          {parseFloats},
	"parseInts":            {parseInts[int8], parseInts[int64]},
	"parseUints":           {parseUints},
	"nllLoss":              {nllLoss[float32, int32], nllLoss[float32, int64]},
	"rangeFloats":          {rangeFloats[float32]},
	"rangeInts":            {rangeInts[int32]},
	"window":               {window[int32]},
	"zerosOfShape":         {zerosOfShape[bool], zerosOfShape[uint16], zerosOfShape[float32], zerosOfShape[int32]},
	"reduceFloats":         {reduceFloats[float32], reduceFloats[float64]},
	"reduceInts":           {reduceInts[int32], reduceInts[int64], reduceInts[uint64], reduceInts[uint8]},
	"where":                {where[string]},
	"melWeightMatrix":      {melWeightMatrix},
	"rnn":                  {rnn[float32], rnn[float64]},
	"stft":                 {stft[float32], stft[float64]},
	"maxUnpool":            {maxUnpool[float32], maxUnpool[float64]},
}

// TestCalls compares kernels with the Eval of what they compute, bit for bit, in every call that the goldens of ONNX
// operators and the ONNX backend tests are lowered to, on random inputs.
func TestCalls(t *testing.T) {
	seen := map[string]bool{}
	recorded := map[string][]*ir.Tensor{}
	for name, g := range models(t, recorded) {
		if err := passes.Run(g, passes.Target[:1], passes.Options{}); err != nil {
			continue // reported where lowering is tested
		}
		var random []*ir.Tensor
		for i, v := range g.In {
			random = append(random, randomOf(v.Type, i))
		}
		for _, in := range [][]*ir.Tensor{random, recorded[name]} {
			callAll(t, name, g, in, seen)
		}
	}
	for k := range kernels {
		if !seen[k] {
			t.Errorf("no call of %s was tested", k)
		}
	}
}

func callAll(t *testing.T, name string, g *ir.Graph, in []*ir.Tensor, seen map[string]bool) {
	env := map[*ir.Value]*ir.Tensor{}
	for i, x := range in {
		env[g.In[i]] = x
	}
	g.EvalEach(in, func(v *ir.Value, x *ir.Tensor) { env[v] = x }) // stops where random inputs are no use
	for _, n := range g.Nodes {
		if c, ok := n.Op.(*low.Kernel); ok && kernels[c.Fn] != nil && known(env, n) {
			seen[c.Fn] = true
			if err := callOnce(c, n, env); err != nil {
				t.Errorf("%s: %v: %v", name, n, err)
			}
		}
	}
}

func randomOf(t ir.Type, seed int) *ir.Tensor {
	r := &ir.Rand{DType: t.DType, Shape: t.Shape, Seed: seed + 1, Density: 1}
	if _, err := r.Infer(nil); err != nil {
		return ir.NewTensor(t.DType, t.Shape...)
	}
	out, err := r.Eval(nil)
	if err != nil {
		panic(err)
	}
	return out[0]
}

func known(env map[*ir.Value]*ir.Tensor, n *ir.Node) bool {
	for _, v := range n.In {
		if v != nil && v.Const == nil && env[v] == nil {
			return false
		}
	}
	return true
}

func callOnce(c *low.Kernel, n *ir.Node, env map[*ir.Value]*ir.Tensor) error {
	ins := make([]*ir.Tensor, len(n.In))
	for i, v := range n.In {
		if v != nil {
			if ins[i] = v.Const; ins[i] == nil {
				ins[i] = env[v]
			}
		}
	}
	want, wantErr := c.Of.Eval(ins)
	for i, v := range n.Out { // what does not fit the static shapes is an error
		if v != nil && wantErr == nil {
			_, wantErr = ir.Refine(want[i].Type(), v.Type)
		}
	}
	var failure error
	for _, f := range kernels[c.Fn] {
		fn := reflect.ValueOf(f)
		args, outs, ok := arguments(fn.Type(), c, n, ins)
		if !ok {
			continue
		}
		for _, r := range fn.Call(args) {
			failure, _ = r.Interface().(error)
		}
		if wantErr != nil || failure != nil {
			if (wantErr != nil) != (failure != nil) {
				return fmt.Errorf("the kernel says %v, Eval %v", failure, wantErr)
			}
			return nil
		}
		for i, o := range outs {
			if o != nil {
				if err := sameBits(o, want[i]); err != nil {
					return fmt.Errorf("result %d: %v", i, err)
				}
			}
		}
		return nil
	}
	return fmt.Errorf("no instance of %s takes these types", c.Fn)
}

// arguments prepares a call of a function, unless it does not take them.
func arguments(f reflect.Type, c *low.Kernel, n *ir.Node, ins []*ir.Tensor) (args []reflect.Value, outs []*ir.Tensor, ok bool) {
	var list []any
	for i, t := range c.Types {
		if t.DType == ir.Undefined || i >= len(n.Out) || n.Out[i] == nil {
			list, outs = append(list, nil), append(outs, nil)
			continue
		}
		o := randomOf(n.Out[i].Type, 99) // a kernel must not rely on what its results hold
		list, outs = append(list, o.Any()), append(outs, o)
	}
	for _, x := range ins {
		if x == nil {
			list = append(list, nil)
		} else {
			list = append(list, x.Any())
		}
	}
	list = append(list, c.Args...)
	if len(list) != f.NumIn() {
		return nil, nil, false
	}
	for i, x := range list {
		p := f.In(i)
		switch {
		case x == nil:
			args = append(args, reflect.Zero(p))
		case reflect.TypeOf(x).AssignableTo(p):
			args = append(args, reflect.ValueOf(x))
		default:
			return nil, nil, false
		}
	}
	return args, outs, true
}

func sameBits(got, want *ir.Tensor) error {
	g, w := reflect.ValueOf(got.Any()), reflect.ValueOf(want.Any())
	if g.Type() != w.Type() || g.Len() != w.Len() {
		return fmt.Errorf("%v, want %v", got.Type(), want.Type())
	}
	for i := range g.Len() {
		x, y := g.Index(i), w.Index(i)
		same := x.Equal(y)
		if x.CanFloat() {
			a, b := x.Float(), y.Float()
			same = math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
		}
		if !same {
			return fmt.Errorf("element %d is %v, want %v", i, x, y)
		}
	}
	return nil
}

// models returns graphs of ONNX operators by name, and notes inputs that are recorded for them.
func models(t *testing.T, recorded map[string][]*ir.Tensor) map[string]*ir.Graph {
	out := map[string]*ir.Graph{}
	files, err := filepath.Glob("../testdata/op/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range txtar.Parse(text).Files {
			name, kind, _ := strings.Cut(s.Name, ".")
			name = f + " " + name
			switch kind {
			case "model":
				if g, err := ir.Parse(f, string(s.Data), op.New); err == nil {
					out[name] = g
				}
			case "in":
				recorded[name] = tensors(t, string(s.Data))
			}
		}
	}
	for _, path := range suite.Find(t, "*/model.onnx") {
		if g, err := frontend.Load(path); err == nil {
			out[path] = g
		}
		if sets, err := frontend.ReadCase(filepath.Dir(path)); err == nil {
			for _, x := range sets[0].Inputs {
				recorded[path] = append(recorded[path], x.Tensor)
			}
		}
	}
	return out
}

// tensors reads one tensor a line by means of the graph of a constant.
func tensors(t *testing.T, text string) (out []*ir.Tensor) {
	for line := range strings.Lines(text) {
		typ, _, _ := strings.Cut(line, "{")
		g, err := ir.Parse("in", fmt.Sprintf("g () => (%s o) {\n c = Constant<value=%s>()\n o = Identity(c)\n}\n", typ, strings.TrimSpace(line)), op.New)
		if err != nil {
			t.Fatal(err)
		}
		x, err := g.Eval(nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x...)
	}
	return out
}
