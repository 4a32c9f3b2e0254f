package passes

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// cse merges constants of equal bits and nodes that compute the same from the same inputs.
func cse(g *ir.Graph) (bool, error) {
	merged := mergeConsts(g)
	seen := map[string]*ir.Node{}
	changed, err := g.Rewrite(func(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
		if random(n) {
			return nil, nil
		}
		key := nodeKey(n)
		first := seen[key]
		if first == nil {
			seen[key] = n
			return nil, nil
		}
		for i, v := range n.Out {
			if v != nil && first.Out[i] == nil {
				return nil, nil
			}
		}
		return first.Out, nil
	})
	return merged || changed, err
}

// nodeKey tells apart nodes that differ in operator, attributes, inputs or the number of results.
func nodeKey(n *ir.Node) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%d %s", len(n.Out), ir.OpText(n.Op))
	for _, v := range n.In {
		fmt.Fprintf(&key, " %p", v)
	}
	return key.String()
}

// mergeConsts makes readers of equal constants read the first of them. Only constants of equal type are hashed.
func mergeConsts(g *ir.Graph) (changed bool) {
	known := factsOf(g)
	byType := map[string][]*ir.Value{}
	for _, v := range g.Consts() {
		byType[v.Type.String()] = append(byType[v.Type.String()], v)
	}
	first := map[*ir.Value]*ir.Value{}
	for _, vs := range byType {
		if len(vs) == 1 {
			continue
		}
		byHash := map[[sha256.Size]byte]*ir.Value{}
		for _, v := range vs {
			h := known.hash(v.Const)
			if byHash[h] == nil {
				byHash[h] = v
				continue
			}
			first[v], changed = byHash[h], true
		}
	}
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if f := first[v]; f != nil {
				n.In[i] = f
			}
		}
	}
	return changed
}
