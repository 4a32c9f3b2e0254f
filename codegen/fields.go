package codegen

import (
	"fmt"
	"go/token"
	"strings"
	"unicode"

	"github.com/sbtc-go/sbtc/ir"
)

// Field is a graph input or output as a field of the generated Inputs or Outputs.
type Field struct {
	Name string // in the model
	Go   string // of the field
	Type ir.Type
}

// GoType is the type of the field.
func (f Field) GoType() string { return "[]" + goType(f.Type.DType) }

// Fields returns the fields of a package for its inputs, or its outputs.
func Fields(vs []*ir.Value) []Field {
	out := make([]Field, len(vs))
	used := map[string]bool{}
	for i, v := range vs {
		name := exported(v.Name)
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s%d", exported(v.Name), n)
		}
		used[name] = true
		out[i] = Field{Name: v.Name, Go: name, Type: v.Type}
	}
	return out
}

// exported makes an exported Go identifier of a name in the model: its words of ASCII letters and digits, capitalised.
func exported(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		switch {
		case r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
			continue
		case b.Len() == 0 && unicode.IsDigit(r):
			b.WriteByte('X')
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "Value"
	}
	return b.String()
}

// PackageName makes a package name of the base name of a model's file.
func PackageName(model string) string {
	var b strings.Builder
	for _, r := range strings.TrimSuffix(model, ".onnx") {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) || b.Len() == 0 && unicode.IsDigit(r) {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	name := b.String()
	if name == "" || token.IsKeyword(name) || name == "main" {
		return "model" + name
	}
	return name
}
