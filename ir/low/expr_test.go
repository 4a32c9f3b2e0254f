package low

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

func TestExprText(t *testing.T) {
	for text, want := range map[string]string{
		"relu(add(mul(x0,x1),0.5))":           "",
		" add ( x0 , -0x1.8p+1 ) ":            "add(x0,-3)",
		"mul(add(x0,1),sigmoid(add(x0,1.0)))": "t0=add(x0,1);mul(t0,sigmoid(t0))",
		"t5=exp(x0);div(t5,add(1,t5))":        "t0=exp(x0);div(t0,add(1,t0))",
		"t0=exp(x3);add(x1,x2)":               "add(x1,x2)",
		"where(isnan(x0),nan,-inf)":           "",
		"and(true,x0)":                        "",
		"silu(neg(x0))":                       "t0=neg(x0);mul(t0,sigmoid(t0))",
		"add(x0,-0)":                          "",
		"add(x0,18446744073709551615)":        "",
		"add(x0,1e3)":                         "add(x0,1000)",
		"x7":                                  "",
	} {
		e, err := ParseExpr(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if want == "" {
			want = text
		}
		if e.String() != want {
			t.Errorf("%q prints as %q, want %q", text, e, want)
		}
		again := MustExpr(e.String())
		if !reflect.DeepEqual(e, again) || !e.Equal(again) {
			t.Errorf("%q: printing and parsing gives another expression", text)
		}
	}
}

func TestExprErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "want an input",
		"add(x0)":                            "takes 2 arguments",
		"foo(x0)":                            `no function "foo"`,
		"add(x0,x1":                          "want , or )",
		"x0 x1":                              "more text",
		"t0=x0":                              "want ;",
		"u=x0;u":                             "not the name of a term",
		"1_0":                                "neither",
		"infinity":                           "neither",
		"x01":                                "neither",
		"t0":                                 "neither",
		strings.Repeat("neg(", 20000) + "x0": "nested more than",
		"t0=x0;t0=x1;t0":                     "defined twice",
	} {
		if _, err := ParseExpr(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
}

func TestExprType(t *testing.T) {
	f, d, i, b, u8 := ir.Float32, ir.Float64, ir.Int64, ir.Bool, ir.Uint8
	for _, c := range []struct {
		text string
		in   []ir.DType
		want any // a type, or part of the error
	}{
		{"add(x0,0.5)", []ir.DType{f}, f},
		{"add(x0,add(1,2))", []ir.DType{d}, d},
		{"lt(x0,1)", []ir.DType{i}, b},
		{"where(lt(x0,1),x1,0)", []ir.DType{i, f}, f},
		{"where(lt(x0,1),1,0)", []ir.DType{i}, "open"},
		{"cast_float(where(lt(x0,1),1,0))", []ir.DType{i}, f},
		{"cast_uint8(x0)", []ir.DType{d}, u8},
		{"add(x0,x1)", []ir.DType{f, d}, "float and double"},
		{"add(x0,0.5)", []ir.DType{i}, "literal 0.5"},
		{"add(x0,256)", []ir.DType{u8}, "out of the range"},
		{"add(x0,-1)", []ir.DType{u8}, "out of the range"},
		{"exp(x0)", []ir.DType{i}, "exp does not take int64"},
		{"and(x0,x0)", []ir.DType{f}, "not bool"},
		{"eq(1,2)", nil, "literals only"},
		{"x1", []ir.DType{f}, "2 inputs"},
		{"x0", []ir.DType{ir.String}, "no scalar function"},
		{"add(x0,true)", []ir.DType{b}, "does not take bool"},
		{"not(x0)", []ir.DType{b}, b},
		{"where(x0,true,eq(x1,x1))", []ir.DType{b, f}, b},
		{"add(x0,9007199254740993)", []ir.DType{i}, i},
		{"add(x0,-9223372036854775808)", []ir.DType{i}, i},
	} {
		got, err := MustExpr(c.text).Type(c.in)
		switch want := c.want.(type) {
		case ir.DType:
			if err != nil || got != want {
				t.Errorf("%s of %v: %v, %v; want %v", c.text, c.in, got, err, want)
			}
		case string:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %v: %v, %v; want an error with %q", c.text, c.in, got, err, want)
			}
		}
	}
}

func TestExprSubst(t *testing.T) {
	bias := MustExpr("add(x0,x1)")
	got := MustExpr("silu(x0)").Subst([]Expr{bias})
	if want := "t0=add(x0,x1);mul(t0,sigmoid(t0))"; got.String() != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got.Inputs() != 2 || !got.Uses(1) || got.Uses(2) {
		t.Errorf("inputs of %v", got)
	}
	if ops := got.Ops(); !reflect.DeepEqual(ops, map[string]int{"add": 1, "mul": 1, "sigmoid": 1}) {
		t.Errorf("%v", ops)
	}
	e := got // terms are shared: forty times over is no tree of 2^40
	for range 40 {
		e = MustExpr("mul(x0,sigmoid(x0))").Subst([]Expr{e})
	}
	if e = MustExpr(e.String()); e.Ops()["mul"] != 41 {
		t.Errorf("%v", e.Ops())
	}
	fn, args := got.Result()
	if fn != "mul" || len(args) != 2 || !args[0].Equal(bias) || args[1].String() != "sigmoid(add(x0,x1))" {
		t.Errorf("%v %v", fn, args)
	}
}

func TestExprAttribute(t *testing.T) {
	var e Expr
	if err := e.UnmarshalText([]byte("relu(x0)")); err != nil || !e.Equal(Call("relu", X(0))) {
		t.Errorf("%v, %v", e, err)
	}
	if text, _ := e.MarshalText(); string(text) != "relu(x0)" {
		t.Errorf("%s", text)
	}
	if err := e.UnmarshalText(nil); err != nil || !e.IsZero() || e.String() != "" {
		t.Errorf("%v, %v", e, err)
	}
}

func TestExprEval(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		text string
		d    ir.DType
		in   [][]float64
		to   ir.DType
		want []float64
	}{
		{"max(x0,x1)", ir.Float32, [][]float64{{1, nan, 2, 3}, {nan, 1, 1, 4}}, ir.Float32, []float64{nan, nan, 2, 4}},
		{"min(x0,x1)", ir.Float64, [][]float64{{1, nan, 2, 3}, {nan, 1, 1, 4}}, ir.Float64, []float64{nan, nan, 1, 3}},
		{"clampmax(0,x0)", ir.Float32, [][]float64{{1, nan, -2}}, ir.Float32, []float64{1, nan, 0}},
		{"clampmin(x0,6)", ir.Float32, [][]float64{{1, nan, 8}}, ir.Float32, []float64{1, 6, 6}},
		{"relu(x0)", ir.Float32, [][]float64{{1, nan, -2, -inf}}, ir.Float32, []float64{1, nan, 0, 0}},
		{"round(x0)", ir.Float32, [][]float64{{0.5, 1.5, 2.5, -0.5}}, ir.Float32, []float64{0, 2, 2, 0}},
		{"mod(x0,x1)", ir.Int8, [][]float64{{7, -7, 7, -7, 5, -128}, {3, 3, -3, -3, 0, -1}}, ir.Int8, []float64{1, 2, -2, -1, 0, 0}},
		{"fmod(x0,x1)", ir.Int8, [][]float64{{7, -7, 7, -7, 5}, {3, 3, -3, -3, 0}}, ir.Int8, []float64{1, -1, 1, -1, 0}},
		{"fmod(x0,x1)", ir.Float32, [][]float64{{7.5, -7.5, 1e30, 2, inf, 3}, {2, 2, 0.7, inf, 2, 0}}, ir.Float32, []float64{1.5, -1.5, math.Mod(float64(float32(1e30)), float64(float32(0.7))), 2, nan, nan}},
		{"mod(x0,x1)", ir.Float64, [][]float64{{7.5, -7.5, 7.5}, {2, 2, -2}}, ir.Float64, []float64{1.5, 0.5, -0.5}},
		{"div(x0,x1)", ir.Int32, [][]float64{{7, -7, 1, -2147483648}, {2, 2, 0, -1}}, ir.Int32, []float64{3, -3, 0, -2147483648}},
		{"add(x0,x1)", ir.Int4, [][]float64{{7, -8}, {1, -1}}, ir.Int4, []float64{-8, 7}},
		{"sub(x0,x1)", ir.Uint4, [][]float64{{0, 3}, {1, 1}}, ir.Uint4, []float64{15, 2}},
		{"mul(x0,x1)", ir.Uint8, [][]float64{{16, 15}, {16, 17}}, ir.Uint8, []float64{0, 255}},
		{"shl(x0,x1)", ir.Uint8, [][]float64{{129, 1, 1}, {1, 8, 200}}, ir.Uint8, []float64{2, 0, 0}},
		{"shr(x0,x1)", ir.Uint8, [][]float64{{129, 1, 255}, {1, 8, 200}}, ir.Uint8, []float64{64, 0, 0}},
		{"bitnot(x0)", ir.Uint8, [][]float64{{0, 129}}, ir.Uint8, []float64{255, 126}},
		{"cast_uint8(x0)", ir.Float32, [][]float64{{-1, 300, nan, 2.9}}, ir.Uint8, []float64{0, 255, 0, 2}},
		{"cast_int8(x0)", ir.Int32, [][]float64{{128, 300, -129}}, ir.Int8, []float64{-128, 44, 127}},
		{"cast_bool(x0)", ir.Float32, [][]float64{{0, -0.5, nan}}, ir.Bool, []float64{0, 1, 1}},
		{"where(gt(x0,x1),x0,2)", ir.Int64, [][]float64{{1, 5}, {3, 3}}, ir.Int64, []float64{2, 5}},
		{"sign(x0)", ir.Float32, [][]float64{{-3, 0, 4, nan}}, ir.Float32, []float64{-1, 0, 1, nan}},
		{"isneginf(x0)", ir.Float32, [][]float64{{-inf, inf, nan}}, ir.Bool, []float64{1, 0, 0}},
		// the sum leaves the range of float16, the result comes back into it
		{"sub(add(x0,x0),x0)", ir.Float16, [][]float64{{60000, 1}}, ir.Float16, []float64{60000, 1}},
		{"sub(cast_float16(add(x0,x0)),x0)", ir.Float16, [][]float64{{60000, 1}}, ir.Float16, []float64{inf, 1}},
		{"add(mul(x0,x0),-1)", ir.Float64, [][]float64{{1 + 0x1p-30}}, ir.Float64, []float64{0x1p-29}},
		{"fma(x0,x0,-1)", ir.Float64, [][]float64{{1 + 0x1p-30}}, ir.Float64, []float64{0x1p-29}},
		{"fma(x0,x0,-1)", ir.Float32, [][]float64{{1 + 0x1p-20}}, ir.Float32, []float64{0x1p-19 + 0x1p-40}},
	} {
		in := make([]*ir.Tensor, len(c.in))
		for i, x := range c.in {
			in[i] = ir.FromFloats(c.d, []int{len(x)}, x)
		}
		got, err := MustExpr(c.text).Eval(in)
		if err != nil {
			t.Error(err)
			continue
		}
		want := ir.FromFloats(c.to, []int{len(c.want)}, c.want)
		if err := ir.Agree(got, want, ir.Tolerance{}); err != nil {
			t.Errorf("%s of %v: %v", c.text, c.d, err)
		}
	}
}

func TestExprUint64(t *testing.T) {
	x := ir.Of(ir.Uint64, []int{2}, []uint64{1 << 63, math.MaxUint64})
	for text, want := range map[string][]uint64{
		"div(x0,3)":                    {1 << 63 / 3, math.MaxUint64 / 3},
		"max(x0,1)":                    {1 << 63, math.MaxUint64},
		"shr(x0,63)":                   {1, 1},
		"add(x0,1)":                    {1<<63 + 1, 0},
		"cast_uint64(cast_double(x0))": {1 << 63, math.MaxUint64},
		"mod(x0,18446744073709551614)": {1 << 63, 1},
		"cast_uint64(gt(x0,cast_uint64(-0x1p+63)))": nil,
	} {
		got, err := MustExpr(text).Eval([]*ir.Tensor{x})
		if want == nil {
			if err == nil {
				t.Errorf("%s: no error", text)
			}
			continue
		}
		if err != nil {
			t.Error(err)
		} else if !reflect.DeepEqual(ir.Data[uint64](got), want) {
			t.Errorf("%s: %v, want %v", text, ir.Data[uint64](got), want)
		}
	}
}

func TestExprLong(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 257, 1000} {
		x := ir.NewTensor(ir.Float32, n)
		for i := range n {
			x.SetFloat(i, float64(i))
		}
		y, err := MustExpr("mul(add(x0,1),0.5)").Eval([]*ir.Tensor{x})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range ir.Data[float32](y) {
			if v != float32(i+1)/2 {
				t.Fatalf("n %d, element %d: %v", n, i, v)
			}
		}
	}
}
