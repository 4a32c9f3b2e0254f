package ir

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// scale multiplies its input by Factor.
type scale struct {
	Factor float32  `onnx:"factor,2"`
	Axes   []int    `onnx:"axes"`
	Mode   string   `onnx:"mode,plain"`
	Limit  *float32 `onnx:"limit"`
	Table  *Tensor  `onnx:"table"`
	Flag   bool     `onnx:"flag,0"`
	hidden func()
}

func (*scale) Name() string { return "test.Scale" }

func (s *scale) Infer(in []*Value) ([]Type, error) {
	if s.Factor == 0 {
		return nil, errors.New("factor 0")
	}
	return []Type{in[0].Type}, nil
}

func (s *scale) Eval(in []*Tensor) ([]*Tensor, error) {
	x := in[0].Floats()
	for i := range x {
		x[i] *= float64(s.Factor)
	}
	return []*Tensor{FromFloats(in[0].DType, in[0].Shape, x)}, nil
}

func lookup(name string, in []*Value) (Op, error) {
	if name != "test.Scale" || len(in) != 1 {
		return nil, fmt.Errorf("no operator %s of %d inputs", name, len(in))
	}
	op := &scale{}
	SetDefaults(op)
	return op, nil
}

func TestTextRoundTrip(t *testing.T) {
	const src = `"g/1" (float[2,?] X, string "a#b") => (float[2,?] Y) {
  C = Constant<value=double[3] {1.5,-0,inf}>() # double[3]
  W = sbtc.Rand<shape=[70], seed=3, density=0.5, alpha=0.25>() # float[70]
  A = test.Scale<factor=0.1, axes=[1,-2], mode="a \"b\"", limit=-inf, table=int8[2] {-1,1}, flag=1>(X) # float[2,?]
  B = test.Scale(C)                        # double[3]
  D = test.Scale(W)                        # float[70]
  Y = test.Scale<limit=0>(A)               # float[2,?]
}
`
	g, err := Parse("t", src, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.String(); got != src {
		t.Errorf("printed\n%s", got)
	}
	op := g.Nodes[0].Op.(*scale)
	if op.Factor != 0.1 || op.Mode != `a "b"` || !math.IsInf(float64(*op.Limit), -1) || !op.Flag || op.Table.Ints()[0] != -1 {
		t.Errorf("attributes %+v", op)
	}
}

func TestLargeConstantsKeepTheirBits(t *testing.T) {
	w := RandTensor(Type{DType: Float32, Shape: []int{100}}, 1).Clone()
	Data[float32](w)[3] = float32(math.Copysign(0, -1))
	g := &Graph{Name: "g"}
	n, err := g.Add(&scale{Factor: 1}, []*Value{{Name: "w", Type: w.Type(), Const: w}}, "y")
	if err != nil {
		t.Fatal(err)
	}
	g.Out = n.Out
	h, err := Parse("t", g.String(), lookup)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range Data[float32](h.Consts()[0].Const) {
		if math.Float32bits(v) != math.Float32bits(Data[float32](w)[i]) {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`Y = test.Scale<factor=0>(X)`, `t:2:3: test.Scale (output "Y"): factor 0`},
		{`Y = test.Scale<nothing=1>(X)`, `t:2:3: test.Scale has no attribute "nothing"`},
		{`Y = test.Scale<factor="a">(X)`, `t:2:3: attribute factor: wrong kind`},
		{`Y = test.Scale(Z)`, `t:2:3: "Z" is not defined`},
		{`X = test.Scale(X)`, `t:2:3: "X" is defined twice`},
		{`Y = test.Scale(X`, `t:3:1: found "}", want ")"`},
		{`Y = Constant<value=float[2] {1}>()`, `t:2:3: 1 elements for float[2]`},
		{`Y = Constant<value=float[4294967296,4294967296] {1}>()`, `elements for`},
		{`Z = test.Scale(X)`, `t:3:1: "Y" is not defined`},
		{`Y = sbtc.Raw<dtype="float", shape=[4294967296,4294967296], data="AA==">()`, "too large"},
		{`Y = sbtc.Rand<dtype="string", shape=[2]>()`, "no random string"},
	} {
		_, err := Parse("t", "g (float[2] X) => (float[2] Y) {\n  "+c.line+"\n}", lookup)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.line, err, c.want)
		}
	}
}

func TestRewrite(t *testing.T) {
	const src = `g (float[2] X) => (float[2] Y, float[2] Z) {
  A = test.Scale(X)
  Y = test.Scale(A)
  Z = test.Scale<factor=3>(X)
}`
	g, err := Parse("t", src, lookup)
	if err != nil {
		t.Fatal(err)
	}
	// Every factor 2 becomes 4; Z cannot become an input, which has a name of its own.
	changed, err := g.Rewrite(func(b *Builder, n *Node) ([]*Value, error) {
		if n.Op.(*scale).Factor == 2 {
			return []*Value{b.Add(&scale{Factor: 4, Mode: "plain"}, n.In...)}, nil
		}
		return n.In[:1], nil
	})
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	const want = `g (float[2] X) => (float[2] Y, float[2] Z) {
  A = test.Scale<factor=4>(X)              # float[2]
  Y = test.Scale<factor=4>(A)              # float[2]
  Z = test.Scale<factor=3>(X)              # float[2]
}
`
	if got := g.String(); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestCheckFindsWhatIsBroken(t *testing.T) {
	x := &Value{Name: "x", Type: Type{DType: Float32, Shape: []int{2}}}
	for want, broken := range map[string]func(g *Graph){
		"two values are called": func(g *Graph) { g.Nodes[0].Out[0].Name = "x" },
		"before its definition": func(g *Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] },
		"is an output twice":    func(g *Graph) { g.Out = append(g.Out, g.Out[0]) },
		"not the result":        func(g *Graph) { g.Out[0] = x },
		"shape is":              func(g *Graph) { g.Nodes[1].Out[0].Type.Shape = []int{3} },
		"does not know its":     func(g *Graph) { g.Nodes[1].Out[0].Def = nil },
	} {
		g := &Graph{Name: "g", In: []*Value{x}}
		a, _ := g.Add(&scale{Factor: 1}, g.In, "a")
		b, _ := g.Add(&scale{Factor: 1}, a.Out, "b")
		g.Out = append([]*Value{}, b.Out...)
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
		broken(g)
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAgree(t *testing.T) {
	f := func(x ...float64) *Tensor { return FromFloats(Float32, []int{len(x)}, x) }
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		got, want *Tensor
		ok        bool
	}{
		{f(1, 0), f(1, math.Copysign(0, -1)), true},
		{f(1 + 0x1p-19), f(1), true},  // 16 units in the last place
		{f(1 + 0x1p-17), f(1), false}, // 64
		{f(100, 0x1p-20), f(100, 0), true},
		{f(100, 1), f(100, 0), false},
		{f(nan), f(nan), true},
		{f(nan), f(1), false},
		{f(1), f(nan), false},
		{f(inf), f(inf), true},
		{f(inf, 1), f(1, 1), false},
		{f(1e30), f(inf), false},
		{f(1), f(1, 1), false},
	} {
		if err := Agree(c.got, c.want, Folding); (err == nil) != c.ok {
			t.Errorf("%v and %v: %v", c.got.Floats(), c.want.Floats(), err)
		}
	}
}
