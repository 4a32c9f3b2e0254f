package frontend

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
)

// sorted returns the nodes so that every value is made before it is read, in the file's order as far as that can be.
// It reports values that nothing makes, and a cycle.
func (s *scope) sorted(nodes []*node) []*node {
	maker := map[string]int{}
	for i, n := range nodes {
		for _, name := range n.Output {
			maker[name] = i
		}
	}
	delete(maker, "")
	needs := make([][]int, len(nodes)) // nodes that each one waits for
	inOrder := true
	for i, n := range nodes {
		inner := captures(n.NodeProto) // those that nothing makes are reported where they are read
		for k, name := range slices.Concat(n.Input, inner) {
			j, ok := maker[name]
			if _, known := s.find(name); name != "" && !ok && !known && k < len(n.Input) {
				s.fault(n, fmt.Errorf("input %q is not defined: no node, input or initializer has this name", name))
			}
			if ok {
				needs[i] = append(needs[i], j)
				inOrder = inOrder && j < i
			}
		}
	}
	if inOrder {
		return nodes
	}
	order := topological(needs)
	if len(order) < len(nodes) {
		s.cycle(nodes, needs, order)
		return nil
	}
	out := make([]*node, len(nodes))
	for i, j := range order {
		out[i] = nodes[j]
	}
	return out
}

// topological orders 0..len(needs)-1, each after what it needs, the smallest first; members of cycles are left out.
func topological(needs [][]int) []int {
	readers := make([][]int, len(needs))
	missing := make([]int, len(needs))
	ready := &intHeap{}
	for i, list := range needs {
		for _, j := range list {
			readers[j] = append(readers[j], i)
		}
		if missing[i] = len(list); missing[i] == 0 {
			heap.Push(ready, i)
		}
	}
	var order []int
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		order = append(order, i)
		for _, j := range readers[i] {
			if missing[j]--; missing[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	return order
}

type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

// cycle names one cycle among the nodes that could not be ordered.
func (s *scope) cycle(nodes []*node, needs [][]int, order []int) {
	stuck := make([]bool, len(nodes))
	for i := range stuck {
		stuck[i] = true
	}
	for _, i := range order {
		stuck[i] = false
	}
	at := map[int]int{} // place in path
	var path []int
	for i := slices.Index(stuck, true); ; {
		if start, ok := at[i]; ok {
			path = path[start:]
			break
		}
		at[i] = len(path)
		path = append(path, i)
		i = needs[i][slices.IndexFunc(needs[i], func(j int) bool { return stuck[j] })]
	}
	var names []string
	for _, i := range path[:min(len(path), maxShown)] {
		names = append(names, nodes[i].String())
	}
	if len(path) > maxShown {
		names = append(names, fmt.Sprintf("%d more", len(path)-maxShown))
	}
	s.addf("", "the graph has a cycle: %s, which needs the first again", strings.Join(names, " needs "))
}
