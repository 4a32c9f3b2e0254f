package low

import "strings"

// elementary is the functions that are approximated: on float32 by the sequences of seq_table.go, or by the binary64
// function rounded once more; on float64 by that of math64.go.
var elementary = []function{
	{name: "exp", sig: "T>T", weight: 14, seq: seqNamed("exp"), f64: Exp64, text32: "exp32(%s)", text64: "exp64(%s)"},
	{name: "expneg", sig: "T>T", weight: 12, seq: seqNamed("expneg"), f64: Exp64, text32: "expneg32(%s)", text64: "exp64(%s)"}, // exp for operands of at most 0
	{name: "expm1", sig: "T>T", weight: 12, seq: seqNamed("expm1"), f64: Expm164, text32: "expm132(%s)", text64: "expm164(%s)"},
	{name: "sigmoid", sig: "T>T", weight: 18, seq: seqNamed("sigmoid"), f64: Sigmoid64, text32: "sigmoid32(%s)", text64: "sigmoid64(%s)"},
	{name: "tanh", sig: "T>T", weight: 28, seq: seqNamed("tanh"), f64: Tanh64, text32: "tanh32(%s)", text64: "tanh64(%s)"},
	{name: "erf", sig: "T>T", weight: 36, seq: seqNamed("erf"), f64: Erf64, text32: "erf32(%s)", text64: "erf64(%s)"},
	{name: "gelu", sig: "T>T", weight: 32, seq: seqNamed("gelu"), f64: Gelu64, text32: "gelu32(%s)", text64: "gelu64(%s)"}, // x * Phi(x)

	by64Row("log", Log64),
	by64Row("log1p", Log1p64),
	by64Row("softplus", Softplus64),
	narrowRow("sin", Sin64, NarrowSin64),
	narrowRow("cos", Cos64, NarrowCos64),
	by64Row("tan", Tan64),
	by64Row("asin", Asin64),
	by64Row("acos", Acos64),
	by64Row("atan", Atan64),
	by64Row("sinh", Sinh64),
	by64Row("cosh", Cosh64),
	by64Row("asinh", Asinh64),
	by64Row("acosh", Acosh64),
	by64Row("atanh", Atanh64),
	by64Row("erfc", Erfc64),

	// on integers a power with a negative exponent is the reciprocal truncated, 0 for a zero base
	{name: "pow", sig: "TT>T", weight: 60, f64: Pow64, i64: powInt[int64], u64: powInt[uint64],
		f32:    func(a, b float32) float32 { return float32(Pow64(float64(a), float64(b))) },
		text32: "float32(pow64(float64(%s), float64(%s)))", text64: "pow64(%s, %s)", textInt: "powInt(%s, %s)"},
}

func by64Row(name string, f func(float64) float64) function {
	return function{name: name, sig: "T>T", weight: 40, f32: by64(f), f64: f,
		text32: "float32(" + name + "64(float64(%s)))", text64: name + "64(%s)"}
}

// narrowRow is by64Row with another function for float32.
func narrowRow(name string, f, narrow func(float64) float64) function {
	row := by64Row(name, f)
	row.f32, row.weight = by64(narrow), 20
	row.text32 = "float32(narrow" + strings.ToUpper(name[:1]) + name[1:] + "64(float64(%s)))"
	return row
}

func powInt[T integer](a, n T) T {
	if n < 0 {
		switch {
		case a == 1 || a+1 == 0 && n&1 == 0:
			return 1
		case a+1 == 0:
			return a
		}
		return 0
	}
	y := T(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			y *= a
		}
		a *= a
	}
	return y
}

func seqNamed(name string) *Sequence {
	for _, s := range Sequences {
		if s.Name == name {
			return s
		}
	}
	panic("no sequence " + name)
}

// compositions are functions that others define; a call is replaced by the text.
var compositions = []struct{ name, text string }{
	{"silu", "mul(x0,sigmoid(x0))"},
	// x * sigmoid(2u) = x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3), without its cancellation
	{"gelutanh", "mul(x0,sigmoid(mul(x0,fma(mul(x0,x0),0.07135481282636288,1.5957691216057308))))"},
	{"mish", "mul(x0,tanh(softplus(x0)))"},
	{"hardsigmoid", "clampmax(0,clampmin(1,add(mul(x1,x0),x2)))"}, // x, alpha, beta
	{"hardswish", "mul(x0,clampmax(0,clampmin(1,add(mul(0.16666666666666666,x0),0.5))))"},
	{"leakyrelu", "where(lt(x0,0),mul(x1,x0),x0)"},                               // x, alpha
	{"elu", "where(lt(x0,0),mul(x1,expm1(x0)),x0)"},                              // x, alpha
	{"selu", "mul(x2,where(lt(x0,0),mul(x1,expm1(x0)),x0))"},                     // x, alpha, gamma
	{"celu", "add(relu(x0),clampmin(0,mul(x1,expm1(div(x0,x1)))))"},              // x, alpha
	{"thresholdedrelu", "where(gt(x0,x1),x0,0)"},                                 // x, alpha
	{"shrink", "where(lt(x0,neg(x2)),add(x0,x1),where(gt(x0,x2),sub(x0,x1),0))"}, // x, bias, lambd
	{"clip", "clampmin(x2,clampmax(x1,x0))"},                                     // x, least, largest
	{"softsign", "div(x0,add(1,abs(x0)))"},
	{"quickgelu", "mul(x0,sigmoid(mul(x1,x0)))"}, // x, alpha
	{"square", "mul(x0,x0)"},
}
