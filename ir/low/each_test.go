package low

import (
	"strings"
	"testing"
)

// The first graph of each pair is for three samples, the second for one.
func TestEach(t *testing.T) {
	for _, c := range []struct{ name, all, one, fault string }{
		{"layer", `g (float[3,2,4] X) => (float[3,2,5] Y) {
  W = sbtc.Rand<shape=[4,5], seed=1>()
  Y = sbtc.Linear(X, W, "")
}`, `g (float[1,2,4] X) => (float[1,2,5] Y) {
  W = sbtc.Rand<shape=[4,5], seed=1>()
  Y = sbtc.Linear(X, W, "")
}`, ""},
		{"another weight", `g (float[3,4] X) => (float[3,5] Y) {
  W = sbtc.Rand<shape=[4,5], seed=1>()
  Y = sbtc.Linear(X, W, "")
}`, `g (float[1,4] X) => (float[1,5] Y) {
  W = sbtc.Rand<shape=[4,5], seed=2>()
  Y = sbtc.Linear(X, W, "")
}`, "something else for one sample"},
		{"a number that knows how many there are", `g (float[3,4] X) => (float[3,4] Y) {
  C = Constant<value=float {3}>()
  Y = sbtc.Map<expr="mul(x0,x1)">(X, C)
}`, `g (float[1,4] X) => (float[1,4] Y) {
  C = Constant<value=float {1}>()
  Y = sbtc.Map<expr="mul(x0,x1)">(X, C)
}`, "mixes samples"},
		{"a constant for each", `g (float[3,2] X) => (float[3,2] Y) {
  C = Constant<value=float[3,1] {1,2,3}>()
  Y = sbtc.Map<expr="add(x0,x1)">(X, C)
}`, `g (float[1,2] X) => (float[1,2] Y) {
  C = Constant<value=float[1,1] {1}>()
  Y = sbtc.Map<expr="add(x0,x1)">(X, C)
}`, "mixes samples"},
		{"the same constant for each", `g (float[3,2] X) => (float[3,2] Y) {
  C = Constant<value=float[3,2] {1,2,1,2,1,2}>()
  Y = sbtc.Map<expr="add(x0,x1)">(X, C)
}`, `g (float[1,2] X) => (float[1,2] Y) {
  C = Constant<value=float[1,2] {1,2}>()
  Y = sbtc.Map<expr="add(x0,x1)">(X, C)
}`, ""},
		// Time first: heads and samples share an axis, which stands before time.
		{"time first", `g (float[3,2,4] X) => (float[3,2,4] Y) {
  W = sbtc.Rand<shape=[4,4], seed=1>()
  T = sbtc.Move<shape=[2,3,4], parts="0 [2,3,4] 0 [12,4,1] 0 [4,8,1]">(X)
  L = sbtc.Linear(T, W, "")
  H = sbtc.Move<shape=[2,6,2]>(L)
  B = sbtc.Move<shape=[6,2,2], parts="0 [6,2,2] 0 [4,2,1] 0 [2,12,1]">(H)
  S = sbtc.Contract<transB=1>(B, B)
  P = sbtc.Normalize<fn="softmax", axis=2>(S)
  O = sbtc.Contract(P, B)
  U = sbtc.Move<shape=[2,6,2], parts="0 [2,6,2] 0 [12,2,1] 0 [2,4,1]">(O)
  V = sbtc.Move<shape=[2,3,4]>(U)
  Y = sbtc.Move<shape=[3,2,4], parts="0 [3,2,4] 0 [8,4,1] 0 [4,12,1]">(V)
}`, `g (float[1,2,4] X) => (float[1,2,4] Y) {
  W = sbtc.Rand<shape=[4,4], seed=1>()
  T = sbtc.Move<shape=[2,1,4], parts="0 [2,1,4] 0 [4,4,1] 0 [4,8,1]">(X)
  L = sbtc.Linear(T, W, "")
  H = sbtc.Move<shape=[2,2,2]>(L)
  B = sbtc.Move<shape=[2,2,2], parts="0 [2,2,2] 0 [4,2,1] 0 [2,4,1]">(H)
  S = sbtc.Contract<transB=1>(B, B)
  P = sbtc.Normalize<fn="softmax", axis=2>(S)
  O = sbtc.Contract(P, B)
  U = sbtc.Move<shape=[2,2,2], parts="0 [2,2,2] 0 [4,2,1] 0 [2,4,1]">(O)
  V = sbtc.Move<shape=[2,1,4]>(U)
  Y = sbtc.Move<shape=[1,2,4], parts="0 [1,2,4] 0 [8,4,1] 0 [4,4,1]">(V)
}`, ""},
		{"outputs time first", `g (float[3,2,4] X) => (float[2,3,4] Y) {
  Y = sbtc.Move<shape=[2,3,4], parts="0 [2,3,4] 0 [12,4,1] 0 [4,8,1]">(X)
}`, `g (float[1,2,4] X) => (float[2,1,4] Y) {
  Y = sbtc.Move<shape=[2,1,4], parts="0 [2,1,4] 0 [4,4,1] 0 [4,8,1]">(X)
}`, "one sample after the other"},
		{"reversed samples", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Move<shape=[3,4], parts="0 [3,4] 0 [4,1] 8 [-4,1]">(X)
}`, `g (float[1,4] X) => (float[1,4] Y) {
  Y = sbtc.Move<shape=[1,4], parts="0 [1,4] 0 [4,1] 0 [-4,1]">(X)
}`, "another way"},
		{"mean of samples", `g (float[3,4] X) => (float[3,4] Y) {
  M = sbtc.Reduce<fn="mean", axes=[0]>(X)
  Y = sbtc.Map<expr="sub(x0,x1)">(X, M)
}`, `g (float[1,4] X) => (float[1,4] Y) {
  M = sbtc.Reduce<fn="mean", axes=[0]>(X)
  Y = sbtc.Map<expr="sub(x0,x1)">(X, M)
}`, "Reduce"},
		{"mean of time", `g (float[3,2,4] X) => (float[3,1,4] Y) {
  Y = sbtc.Reduce<fn="mean", axes=[1]>(X)
}`, `g (float[1,2,4] X) => (float[1,1,4] Y) {
  Y = sbtc.Reduce<fn="mean", axes=[1]>(X)
}`, ""},
		{"norm of all", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Normalize<fn="softmax", axis=0>(X)
}`, `g (float[1,4] X) => (float[1,4] Y) {
  Y = sbtc.Normalize<fn="softmax", axis=0>(X)
}`, "something else"},
		{"products of two samples", `g (float[3,4] X) => (float[3,3] Y) {
  Y = sbtc.Contract<transB=1>(X, X)
}`, `g (float[1,4] X) => (float[1,1] Y) {
  Y = sbtc.Contract<transB=1>(X, X)
}`, "for one"},
		{"attention", `g (float[3,2,4] X) => (float[3,2,4] Y) {
  M = sbtc.Rand<shape=[2,2], seed=1>()
  Y = sbtc.Attend(X, X, X, M)
}`, `g (float[1,2,4] X) => (float[1,2,4] Y) {
  M = sbtc.Rand<shape=[2,2], seed=1>()
  Y = sbtc.Attend(X, X, X, M)
}`, ""},
		{"attention across samples", `g (float[3,2,4] X) => (float[1,6,4] Y) {
  R = sbtc.Move<shape=[1,6,4]>(X)
  Y = sbtc.Attend(R, R, R)
}`, `g (float[1,2,4] X) => (float[1,2,4] Y) {
  Y = sbtc.Attend(X, X, X)
}`, "mixes samples"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Each(parse(t, c.all), parse(t, c.one), 3)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("%v, want %q", err, c.fault)
			}
		})
	}
}
