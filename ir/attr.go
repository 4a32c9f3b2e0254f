package ir

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// The attributes of an operator are the fields of its struct that carry a tag: `onnx:"axis,-1"` is the attribute axis
// with default -1. Fields of embedded structs count, untagged fields do not. A field is an int, bool, float32, float64,
// string, DType, *Tensor, *Graph, Op, a type that reads and writes itself as text, a slice of these, or a pointer for
// an attribute whose absence means something.

// Number is an attribute value as written in the text form.
type Number string

// fieldsOf calls f for every attribute of op until it returns false.
func fieldsOf(op Op, f func(name, def string, v reflect.Value) bool) {
	fields(reflect.ValueOf(op).Elem(), f)
}

func fields(v reflect.Value, f func(name, def string, v reflect.Value) bool) bool {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if t.Anonymous && t.Type.Kind() == reflect.Struct {
			if !fields(v.Field(i), f) {
				return false
			}
			continue
		}
		tag := t.Tag.Get("onnx")
		if tag == "" {
			continue
		}
		name, def, _ := strings.Cut(tag, ",")
		if !f(name, def, v.Field(i)) {
			return false
		}
	}
	return true
}

// SetDefaults gives every attribute of op its default.
func SetDefaults(op Op) {
	fieldsOf(op, func(name, def string, v reflect.Value) bool {
		if def == "" {
			return true
		}
		var a any = Number(def)
		if v.Kind() == reflect.String {
			a = def
		}
		if err := assign(v, a); err != nil {
			panic(fmt.Sprintf("%T: default of %s: %v", op, name, err))
		}
		return true
	})
}

// SetAttr assigns a to the attribute called name. The value is an int64, float32, string, []int64, []float32,
// []string, *Tensor, []*Tensor or *Graph, as ONNX stores it.
func SetAttr(op Op, name string, a any) error {
	err := fmt.Errorf("%s has no attribute %q", op.Name(), name)
	fieldsOf(op, func(n, _ string, v reflect.Value) bool {
		if n != name {
			return true
		}
		if err = assign(v, a); err != nil {
			err = fmt.Errorf("attribute %s: %w", name, err)
		}
		return false
	})
	return err
}

// Attrs calls f with the name and the value of every attribute of op that differs from its default.
func Attrs(op Op, f func(name string, v any)) {
	fieldsOf(op, func(name, def string, v reflect.Value) bool {
		if !isDefault(v, def) {
			f(name, v.Interface())
		}
		return true
	})
}

// StoredAttrs is Attrs with the numbers that have no default: a model file must state them even if they are 0.
func StoredAttrs(op Op, f func(name string, v any)) {
	fieldsOf(op, func(name, def string, v reflect.Value) bool {
		if required := def == "" && (v.CanInt() || v.CanFloat()); required || !isDefault(v, def) {
			f(name, v.Interface())
		}
		return true
	})
}

func isDefault(v reflect.Value, def string) bool {
	if def == "" {
		return v.IsZero()
	}
	d := reflect.New(v.Type()).Elem()
	var a any = Number(def)
	if v.Kind() == reflect.String {
		a = def
	}
	return assign(d, a) == nil && reflect.DeepEqual(d.Interface(), v.Interface())
}

var errKind = errors.New("wrong kind of value")

func assign(f reflect.Value, a any) error {
	if u, ok := f.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := a.(string)
		if !ok {
			return errKind
		}
		return u.UnmarshalText([]byte(s))
	}
	if f.Type() == reflect.TypeFor[DType]() {
		return assignDType(f, a)
	}
	switch f.Kind() {
	case reflect.Pointer:
		return assignPointer(f, a)
	case reflect.Bool:
		n, err := toInt(a)
		f.SetBool(n != 0)
		return err
	case reflect.Int, reflect.Int64:
		n, err := toInt(a)
		f.SetInt(n)
		return err
	case reflect.Float32, reflect.Float64:
		x, err := toFloat(a)
		f.SetFloat(x)
		return err
	case reflect.Slice:
		return assignSlice(f, a)
	}
	v := reflect.ValueOf(a)
	if _, ok := a.(Number); ok || !v.IsValid() || !v.Type().AssignableTo(f.Type()) {
		return errKind
	}
	f.Set(v)
	return nil
}

func assignDType(f reflect.Value, a any) error {
	if s, ok := a.(string); ok {
		d, err := ParseDType(s)
		f.SetUint(uint64(d))
		return err
	}
	n, err := toInt(a)
	if err == nil && (n < 0 || n >= int64(numDTypes)) {
		err = fmt.Errorf("unknown element type %d", n)
	}
	if err == nil {
		f.SetUint(uint64(n))
	}
	return err
}

func assignPointer(f reflect.Value, a any) error {
	if v := reflect.ValueOf(a); v.IsValid() && v.Type() == f.Type() {
		f.Set(v)
		return nil
	}
	if f.Type().Elem().Kind() == reflect.Struct {
		return errKind
	}
	p := reflect.New(f.Type().Elem())
	if err := assign(p.Elem(), a); err != nil {
		return err
	}
	f.Set(p)
	return nil
}

func assignSlice(f reflect.Value, a any) error {
	if s, ok := a.(string); ok && f.Type().Elem().Kind() == reflect.Uint8 {
		f.SetBytes([]byte(s))
		return nil
	}
	v := reflect.ValueOf(a)
	if v.Kind() != reflect.Slice {
		return errKind
	}
	out := reflect.MakeSlice(f.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		if err := assign(out.Index(i), v.Index(i).Interface()); err != nil {
			return err
		}
	}
	f.Set(out)
	return nil
}

func toInt(a any) (int64, error) {
	switch x := a.(type) {
	case int64:
		return x, nil
	case Number:
		return strconv.ParseInt(string(x), 10, 64)
	}
	return 0, errKind
}

func toFloat(a any) (float64, error) {
	switch x := a.(type) {
	case float32:
		return float64(x), nil
	case float64:
		return x, nil
	case Number:
		return parseFloat(string(x))
	}
	return 0, errKind
}

func parseFloat(s string) (float64, error) {
	switch s {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	case "nan", "-nan":
		return math.NaN(), nil
	}
	return strconv.ParseFloat(s, 64)
}
