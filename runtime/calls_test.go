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
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
	"github.com/sbtc-go/sbtc/ir/op"
	"github.com/sbtc-go/sbtc/passes"
)

// kernels lists library kernels by the name that calls use, generic ones once by element type.
var kernels = map[string][]any{
	"averagePool":          {averagePool[float32], averagePool[float64]},
	"convolve":             {convolve[float64], convolve[int32]},
	"convolve32":           {convolve32},
	"convolveTransposed":   {convolveTransposed},
	"convolveTransposed32": {convolveTransposed32},
	"deformConv":           {deformConv[float32], deformConv[float64]},
	"determinant":          {determinant[float32], determinant[float64]},
	"lpPool":               {lpPool[float32], lpPool[float64]},
	"maxPool":              {maxPool[float32], maxPool[float64], maxPool[int8], maxPool[uint8]},
	"maxPoolIndices":       {maxPoolIndices[float32], maxPoolIndices[int8]},
	"maxRoiPool":           {maxRoiPool[float32], maxRoiPool[float64]},
	"maxUnpool":            {maxUnpool[float32], maxUnpool[float64]},
}

// TestCalls compares kernels with the Eval of what they compute, bit for bit, in every call that the goldens of ONNX
// operators and the ONNX backend tests are lowered to, on random inputs.
func TestCalls(t *testing.T) {
	seen := map[string]bool{}
	for name, g := range models(t) {
		if err := passes.Run(g, passes.Target[:1], passes.Options{}); err != nil {
			continue // reported where lowering is tested
		}
		env := map[*ir.Value]*ir.Tensor{}
		var in []*ir.Tensor
		for i, v := range g.In {
			x := randomOf(v.Type, i)
			env[v] = x
			in = append(in, x)
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
	for k := range kernels {
		if !seen[k] {
			t.Errorf("no call of %s was tested", k)
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

// models returns graphs of ONNX operators by name.
func models(t *testing.T) map[string]*ir.Graph {
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
			if strings.HasSuffix(s.Name, ".model") {
				if g, err := ir.Parse(f, string(s.Data), op.New); err == nil {
					out[f+" "+s.Name] = g
				}
			}
		}
	}
	dir := os.Getenv("SBTC_ONNX_SUITE")
	if dir == "" {
		dir = "../../shared/onnx-node"
	}
	suite, err := filepath.Glob(filepath.Join(dir, "*", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range suite {
		if g, err := frontend.Load(path); err == nil {
			out[path] = g
		}
	}
	return out
}
