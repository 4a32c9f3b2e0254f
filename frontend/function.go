package frontend

import (
	"errors"
	"fmt"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
)

// A funcID is what tells functions apart.
type funcID struct{ domain, name, overload string }

func (d *decoder) readFunctions(fs []*onnxpb.FunctionProto) {
	for _, f := range fs {
		d.add(&Error{Value: fmt.Sprintf("function %q", f.GetName()), Err: errors.New("functions are not supported")})
	}
}

// expand returns the nodes with calls of functions inlined.
func (s *scope) expand(nodes []*node) []*node {
	for _, n := range nodes {
		s.checkAttrs(n)
	}
	return nodes
}
