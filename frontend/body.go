package frontend

import (
	"errors"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
	"github.com/sbtc-go/sbtc/ir/op"
)

// captures lists the values of outer graphs that the bodies of a node read.
func (n *node) captures() []string { return nil }

// bodies rejects subgraphs.
func (s *scope) bodies(n *node, raw *op.Raw) bool {
	for name, v := range raw.Attrs {
		if _, ok := v.(*onnxpb.AttributeProto); ok {
			s.attrFault(n, name, errors.New("subgraphs are not supported"))
			return false
		}
	}
	return true
}
