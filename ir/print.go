package ir

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// The text form is a strict subset of ONNX's own (onnx/docs/Syntax.md): what only sbtc knows is written as operators
// of the domain sbtc or in comments. Types of results are comments: parsing infers them again.

// literalMax is the number of elements up to which a constant is written out in decimal.
const literalMax = 64

// String writes the graph in the text form; Parse reads it back.
func (g *Graph) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) => (%s) {\n", ident(g.Name), decls(g.In), decls(g.Out))
	for _, v := range g.Consts() {
		code, comment := ident(v.Name)+" = "+v.Const.text(), v.Const.describe()
		if len(code) > farRight && comment != v.Type.String() {
			fmt.Fprintf(&b, "  # %s\n", comment)
		}
		line(&b, code, comment)
	}
	for _, n := range g.Nodes {
		line(&b, n.text(), n.types())
	}
	return b.String() + "}\n"
}

// farRight is where a comment helps nobody.
const farRight = 200

func line(b *strings.Builder, code, comment string) {
	if len(code) > farRight {
		comment = ""
	}
	fmt.Fprintf(b, "%s\n", strings.TrimRight(fmt.Sprintf("  %-40s # %s", code, comment), " #"))
}

func decls(vs []*Value) string {
	s := make([]string, len(vs))
	for i, v := range vs {
		s[i] = Type{DType: v.Type.DType, Shape: v.Type.Shape, NoRank: v.Type.NoRank}.String() + " " + ident(v.Name)
	}
	return strings.Join(s, ", ")
}

func (n *Node) types() string {
	s := make([]string, len(n.Out))
	for i, v := range n.Out {
		if v != nil {
			s[i] = v.Type.String()
		}
	}
	return strings.Join(s, ", ")
}

func (n *Node) text() string {
	return identList(n.Out) + " = " + OpText(n.Op) + "(" + identList(n.In) + ")"
}

func identList(vs []*Value) string {
	s := make([]string, len(vs))
	for i, v := range vs {
		s[i] = `""`
		if v != nil {
			s[i] = ident(v.Name)
		}
	}
	return strings.Join(s, ", ")
}

var plainIdent = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func ident(name string) string {
	if plainIdent.MatchString(name) {
		return name
	}
	return strconv.QuoteToASCII(name)
}

// OpText writes an operator with the attributes that differ from their defaults.
func OpText(op Op) string {
	var attrs []string
	Attrs(op, func(name string, v any) { attrs = append(attrs, name+"="+attrText(v)) })
	if attrs == nil {
		return op.Name()
	}
	return op.Name() + "<" + strings.Join(attrs, ", ") + ">"
}

func attrText(a any) string {
	switch x := a.(type) {
	case DType:
		return strconv.Quote(x.String())
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			panic(err)
		}
		return strconv.QuoteToASCII(string(text))
	case *Tensor:
		return x.literal()
	case *Graph:
		return strings.TrimSuffix(x.String(), "\n")
	case Op:
		return OpText(x)
	}
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.Pointer:
		return attrText(v.Elem().Interface())
	case reflect.Bool:
		if v.Bool() {
			return "1"
		}
		return "0"
	case reflect.Float32:
		return floatText(v.Float(), 32)
	case reflect.Float64:
		return floatText(v.Float(), 64)
	case reflect.String:
		return strconv.QuoteToASCII(v.String())
	case reflect.Slice:
		s := make([]string, v.Len())
		for i := range s {
			s[i] = attrText(v.Index(i).Interface())
		}
		return "[" + strings.Join(s, ",") + "]"
	}
	return fmt.Sprint(a)
}

func floatText(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

// text writes a constant as the operator that makes it.
func (t *Tensor) text() string {
	switch {
	case t.gen != "":
		return t.gen + "()"
	case t.Len() <= literalMax || t.DType == String:
		return "Constant<value=" + t.literal() + ">()"
	}
	if len(t.Shape) > 1 {
		if s := t.compact(); s != "" {
			return s
		}
	}
	shape := attrText(t.Shape)
	return fmt.Sprintf("sbtc.Raw<dtype=%q, shape=%s, data=%q>()", t.DType, shape, base64.StdEncoding.EncodeToString(t.bytes()))
}

func (t *Tensor) literal() string {
	s := make([]string, t.Len())
	for i := range s {
		s[i] = t.elemText(i)
	}
	return t.Type().String() + " {" + strings.Join(s, ",") + "}"
}

func (t *Tensor) elemText(i int) string {
	switch x := t.Any().(type) {
	case []string:
		return strconv.QuoteToASCII(x[i])
	case []float32:
		return floatText(float64(x[i]), 32)
	case []float64:
		return floatText(x[i], 64)
	case []complex64:
		return floatText(float64(real(x[i])), 32) + "," + floatText(float64(imag(x[i])), 32)
	case []complex128:
		return floatText(real(x[i]), 64) + "," + floatText(imag(x[i]), 64)
	case []uint64:
		return strconv.FormatUint(x[i], 10)
	case []bool:
		if x[i] {
			return "1"
		}
		return "0"
	}
	if t.DType.format() != nil {
		return floatText(t.At(i), 64)
	}
	return fmt.Sprint(reflect.ValueOf(t.Any()).Index(i).Interface())
}

// At returns element i widened to float64.
func (t *Tensor) At(i int) float64 { return t.Gather(nil, func(int) int { return i }).Floats()[0] }

// Hash identifies the tensor by element type, shape and bits: -0 differs from +0.
func (t *Tensor) Hash() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintln(h, t.Type())
	if x, ok := t.Any().([]string); ok {
		fmt.Fprintf(h, "%q", x)
	} else {
		h.Write(t.bytes())
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// bytes are the elements as they are held, little-endian.
func (t *Tensor) bytes() []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, t.Any()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (t *Tensor) setBytes(b []byte) error {
	if binary.Size(t.Any()) != len(b) {
		return fmt.Errorf("%d bytes for %v", len(b), t.Type())
	}
	return binary.Read(bytes.NewReader(b), binary.LittleEndian, t.Any())
}
