package low

// elementary is the functions that are approximated: on float32 by the sequences of seq_table.go or by the binary64
// function rounded once more, on float64 by that of math64.go.
var elementary = []function{
	{name: "exp", sig: "T>T", weight: 14, seq: seqNamed("exp"), text32: "exp32(%s)"},
	{name: "expneg", sig: "T>T", weight: 12, seq: seqNamed("expneg"), text32: "expneg32(%s)"}, // exp for operands of at most 0
	{name: "sigmoid", sig: "T>T", weight: 18, seq: seqNamed("sigmoid"), text32: "sigmoid32(%s)"},
	{name: "tanh", sig: "T>T", weight: 28, seq: seqNamed("tanh"), text32: "tanh32(%s)"},
	{name: "erf", sig: "T>T", weight: 36, seq: seqNamed("erf"), text32: "erf32(%s)"},
	{name: "gelu", sig: "T>T", weight: 32, seq: seqNamed("gelu"), text32: "gelu32(%s)"}, // x * Phi(x)
}

func seqNamed(name string) *Sequence {
	for _, s := range Sequences {
		if s.Name == name {
			return s
		}
	}
	panic("no sequence " + name)
}

// Compositions are functions that others define; a call is replaced by the text.
var compositions = []struct{ name, text string }{
	{"silu", "mul(x0,sigmoid(x0))"},
	// x * sigmoid(2u) = x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3), without its cancellation
	{"gelutanh", "mul(x0,sigmoid(mul(x0,fma(mul(x0,x0),0.07135481282636288,1.5957691216057308))))"},
	{"hardsigmoid", "clampmax(0,clampmin(1,add(mul(x1,x0),x2)))"}, // x, alpha, beta
	{"hardswish", "mul(x0,clampmax(0,clampmin(1,add(mul(0.16666666666666666,x0),0.5))))"},
	{"leakyrelu", "where(lt(x0,0),mul(x1,x0),x0)"}, // x, alpha
	{"clip", "clampmin(x2,clampmax(x1,x0))"},       // x, least, largest
	{"softsign", "div(x0,add(1,abs(x0)))"},
	{"quickgelu", "mul(x0,sigmoid(mul(x1,x0)))"}, // x, alpha
	{"square", "mul(x0,x0)"},
}
