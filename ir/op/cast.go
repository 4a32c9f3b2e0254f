package op

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var cast = []Def{
	{Name: "Cast", Since: 25, From: 6, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Any &^ Complexes}, Proto: &Cast{}},
	{Name: "Cast", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Upgrade: cast1},
	{Name: "CastLike", Since: 25, From: 15, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Any &^ Complexes}, Proto: &CastLike{}},
	{Name: "BitCast", Since: 26, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Any &^ Of(ir.String)}, Proto: &BitCast{}},
}

// Cast is https://onnx.ai/onnx/operators/onnx__Cast.html, version 25.
//
// Where ONNX leaves the result open: a float beyond the range of an integer of 8 or more bits gives the nearest value of the
// type and NaN gives 0; one beyond the range of a 2- or 4-bit integer keeps its low bits, as in ONNX's tests; a string
// that is no number is an error; strings of floats are the shortest that read back the same, as numpy writes them.
type Cast struct {
	To        ir.DType `onnx:"to"`
	Saturate  bool     `onnx:"saturate,1"`
	RoundMode string   `onnx:"round_mode,up"`
}

// cast1 reads a type's name in capitals.
func cast1(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	n.Attrs["to"] = strings.ToLower(Take(n, "to", ""))
	return nil, nil
}

// Name is the operator's ONNX name.
func (*Cast) Name() string { return "Cast" }

// Infer changes the element type.
func (o *Cast) Infer(in []*ir.Value) ([]ir.Type, error) {
	switch {
	case o.To == ir.Undefined:
		return nil, fmt.Errorf("attribute to is missing")
	case o.To.IsComplex():
		return nil, fmt.Errorf("attribute to is %v, which Cast does not take", o.To)
	case o.RoundMode != "up" && o.RoundMode != "down" && o.RoundMode != "nearest":
		return nil, fmt.Errorf("attribute round_mode is %q, want \"up\", \"down\" or \"nearest\"", o.RoundMode)
	}
	t, err := alike(in, 1)
	t[0].DType = o.To
	return t, err
}

// Eval converts every element.
func (o *Cast) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	x := in[0]
	from, to := x.DType, o.To
	out := ir.NewTensor(to, x.Shape...)
	switch {
	case from == to:
		return in[:1], nil
	case to == ir.String:
		for i := range ir.Data[string](out) {
			ir.Data[string](out)[i] = numberText(x, i)
		}
		return []*ir.Tensor{out}, nil
	case from == ir.String:
		for i, s := range ir.Data[string](x) {
			if err := setNumber(out, i, s, o); err != nil {
				return nil, err
			}
		}
		return []*ir.Tensor{out}, nil
	case from.IsInt() && to.IsInt(), from == ir.Bool:
		return []*ir.Tensor{ir.FromInts(to, x.Shape, x.Ints())}, nil
	case from == ir.Uint64 && to == ir.Float32: // rounded once, not by way of float64
		for i, v := range ir.Data[uint64](x) {
			ir.Data[float32](out)[i] = float32(v)
		}
		return []*ir.Tensor{out}, nil
	case from.IsInt() && to == ir.Float32:
		for i, v := range x.Ints() {
			ir.Data[float32](out)[i] = float32(v)
		}
		return []*ir.Tensor{out}, nil
	}
	for i, v := range x.Floats() {
		o.set(out, i, v)
	}
	return []*ir.Tensor{out}, nil
}

// set stores a float as element i of out.
func (o *Cast) set(out *ir.Tensor, i int, v float64) {
	switch {
	case o.To.IsInt() && o.To.Bits() < 8:
		out.SetInt(i, ir.SaturateInt(v, ir.Int64))
	case o.To == ir.Float4E2M1 && v != v: // has no NaN
		out.SetFloat(i, 0)
	case o.To == ir.Float8E8M0:
		ir.Data[uint8](out)[i] = o.exponent(v)
	case Float8s.has(o.To):
		ir.Data[uint8](out)[i] = uint8(ir.EncodeFloat(o.To, v, o.Saturate))
	default:
		out.SetFloat(i, v)
	}
}

// exponent is v's magnitude as a power of 2 from 2^-127 (code 0) to 2^127 (254), or NaN (255).
func (o *Cast) exponent(v float64) uint8 {
	v = math.Abs(v)
	frac, e := math.Frexp(v) // v = frac 2^e, frac in [0.5, 1)
	code := e - 1 + 127
	switch {
	case v != v:
		return 255
	case v == 0:
		code = -1
	case math.IsInf(v, 0):
		code = 255
	case frac > 0.5 && o.RoundMode == "up", frac >= 0.75 && o.RoundMode == "nearest":
		code++
	}
	switch {
	case code >= 0 && code <= 254:
		return uint8(code)
	case !o.Saturate:
		return 255
	}
	return uint8(min(max(code, 0), 254))
}

// numberText writes element i of x as numpy does.
func numberText(x *ir.Tensor, i int) string {
	switch d := x.DType; {
	case d == ir.Bool:
		if ir.Data[bool](x)[i] {
			return "True"
		}
		return "False"
	case d == ir.Uint64:
		return strconv.FormatUint(ir.Data[uint64](x)[i], 10)
	case d.IsInt():
		return fmt.Sprint(x.Gather(nil, func(int) int { return i }).Ints()[0])
	}
	v := x.At(i)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return map[bool]string{true: "nan", false: strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64)), "+")}[v != v]
	}
	prec := -1 // digits after the first; -1: as few as read back the same
	for d := x.DType; d != ir.Float32 && d != ir.Float64; {
		prec++
		r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', prec, 64), 64)
		if err == nil && ir.FromFloats(d, nil, []float64{r}).At(0) == v {
			break
		}
	}
	bits := min(max(x.DType.Bits(), 32), 64)
	digits := strconv.FormatFloat(v, 'e', prec, bits)
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return digits
	}
	r, _ := strconv.ParseFloat(digits, 64)
	s := strconv.FormatFloat(r, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// setNumber reads s into element i of out: an integer exactly, all else by way of float64.
func setNumber(out *ir.Tensor, i int, s string, o *Cast) error {
	t := strings.TrimSpace(s)
	if out.DType == ir.Uint64 {
		if u, err := strconv.ParseUint(t, 10, 64); err == nil {
			out.SetInt(i, int64(u))
			return nil
		}
	}
	if out.DType.IsInt() {
		if v, err := strconv.ParseInt(t, 10, 64); err == nil {
			out.SetInt(i, v)
			return nil
		}
	}
	v, err := strconv.ParseFloat(t, 64)
	if err != nil && !math.IsInf(v, 0) {
		return fmt.Errorf("element %d, %q, is no number", i, s)
	}
	o.set(out, i, v)
	return nil
}

// Lower makes a Map, or calls kernels for 8-bit and narrower floats and for strings.
func (o *Cast) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	x := n.In[0]
	from := x.Type.DType
	kernel := func(fn string, in *ir.Value, args ...any) []*ir.Value { return []*ir.Value{o.call(b, fn, in, args...)} }
	toFloats := &Cast{To: ir.Float64, Saturate: true, RoundMode: "up"}
	switch {
	case from == o.To:
		return []*ir.Value{low.Copy(b, x, x.Type.Shape...)}, nil
	case o.To == ir.String:
		if !inMap(from) || from == ir.Float16 || from == ir.BFloat16 {
			return nil, fmt.Errorf("%v to string is not compiled: cast to float first", from)
		}
		return kernel("formatNumbers", x), nil
	case from == ir.String && o.To == ir.Uint64:
		return kernel("parseUints", x), nil
	case from == ir.String && (o.To.IsInt() || o.To == ir.Bool):
		if o.To == ir.Bool {
			return []*ir.Value{castTo(b, toFloats.call(b, "parseFloats", x), ir.Bool)}, nil
		}
		return kernel("parseInts", x, o.To.Bits(), !o.To.IsUnsigned()), nil
	case from == ir.String:
		y := toFloats.call(b, "parseFloats", x)
		if o.To == ir.Float64 {
			return []*ir.Value{y}, nil
		}
		return o.Lower(b, &ir.Node{Op: o, In: []*ir.Value{y}, Out: n.Out})
	case !inMap(o.To):
		x = mappable(b, x)
		if d := x.Type.DType; d == ir.Float16 || d == ir.BFloat16 {
			x = castTo(b, x, ir.Float32)
		} else if d == ir.Bool || d.IsInt() {
			x = castTo(b, x, ir.Float64)
		}
		return kernel("encodeFloats", x, int(o.To), o.Saturate, o.RoundMode), nil
	}
	return []*ir.Value{castTo(b, mappable(b, x), o.To)}, nil
}

// call adds a call of a kernel for o.
func (o *Cast) call(b *ir.Builder, kernel string, x *ir.Value, args ...any) *ir.Value {
	op := *o
	t := x.Type
	t.DType = o.To
	return callOn(b, &op, kernel, t, []*ir.Value{x}, args...)
}

// inMap reports whether low expressions take elements of type d.
func inMap(d ir.DType) bool {
	return d == ir.Float16 || d == ir.BFloat16 || d == ir.Float32 || d == ir.Float64 || d == ir.Bool || d.IsInt()
}

// mappable returns v, decoded to float32 if low expressions do not take its elements, floats of at most 8 bits.
func mappable(b *ir.Builder, v *ir.Value) *ir.Value {
	if inMap(v.Type.DType) {
		return v
	}
	return (&Cast{To: ir.Float32, Saturate: true, RoundMode: "up"}).call(b, "decodeFloats", v, int(v.Type.DType))
}

// castTo converts v between types that low expressions take.
func castTo(b *ir.Builder, v *ir.Value, to ir.DType) *ir.Value {
	from := v.Type.DType
	if from == to {
		return v
	}
	expr := castExpr(to, "x0")
	if from.IsFloat() && to.IsInt() && to.Bits() < 8 {
		expr = castExpr(to, castExpr(ir.Int64, "x0"))
	}
	return low.Elementwise(b, expr, v)
}

func castExpr(to ir.DType, x string) string { return "cast_" + to.String() + "(" + x + ")" }

// CastLike is https://onnx.ai/onnx/operators/onnx__CastLike.html, version 25: Cast to the second input's element type.
type CastLike struct {
	Saturate  bool   `onnx:"saturate,1"`
	RoundMode string `onnx:"round_mode,up"`
}

// Name is the operator's ONNX name.
func (*CastLike) Name() string { return "CastLike" }

func (o *CastLike) cast(to ir.DType) *Cast {
	return &Cast{To: to, Saturate: o.Saturate, RoundMode: o.RoundMode}
}

// Infer changes the element type.
func (o *CastLike) Infer(in []*ir.Value) ([]ir.Type, error) {
	return o.cast(in[1].Type.DType).Infer(in[:1])
}

// Eval is that of Cast.
func (o *CastLike) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return o.cast(in[1].DType).Eval(in[:1])
}

// Lower is that of Cast.
func (o *CastLike) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return o.cast(n.In[1].Type.DType).Lower(b, &ir.Node{In: n.In[:1], Out: n.Out})
}
