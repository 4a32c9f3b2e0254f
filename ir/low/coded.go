package low

import "fmt"

// Code says on which paths what is constant in an operator is in the instructions: the weights of a layer, or which
// elements an attention skips. On others, and in pure Go, it is in lists that a loop goes through. The bits are the same.
type Code string

// The values of Code.
const (
	CodeAll    Code = ""       // wherever there is assembly
	CodeAVX512 Code = "avx512" // there alone
	CodeNone   Code = "none"
)

// UnmarshalText reads a value of an attribute.
func (c *Code) UnmarshalText(text []byte) error {
	*c = Code(text)
	return c.check()
}

func (c Code) check() error {
	if c != CodeAll && c != CodeAVX512 && c != CodeNone {
		return fmt.Errorf("code %q, wanted %q, %q or none said", string(c), string(CodeAVX512), string(CodeNone))
	}
	return nil
}

// DefaultBudget is how many bytes of machine code a package may have for the weights of its layers and the patterns of
// its attentions: AVX-512 and AVX2 together.
const DefaultBudget = 16 << 20
