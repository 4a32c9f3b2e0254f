package low

import (
	"strings"
	"testing"
)

// Each graph is for three samples.
func TestBatched(t *testing.T) {
	for _, c := range []struct{ name, body, fault string }{
		{"layer", `g (float[3,2,4] X) => (float[3,2,5] Y) {
  W = sbtc.Rand<shape=[4,5], seed=1>()
  Y = sbtc.Linear(X, W, "")
}`, ""},
		{"flattened", `g (float[3,2,4] X) => (float[6,5] Y) {
  W = sbtc.Rand<shape=[4,5], seed=1>()
  R = sbtc.Move<shape=[6,4]>(X)
  Y = sbtc.Linear(R, W, "")
}`, ""},
		{"features of all samples", `g (float[3,4] X) => (float[2,5] Y) {
  W = sbtc.Rand<shape=[6,5], seed=1>()
  R = sbtc.Move<shape=[2,6]>(X)
  Y = sbtc.Linear(R, W, "")
}`, "not rows of one sample"},
		{"time first", `g (float[3,2,4] X) => (float[2,3,4] Y) {
  Y = sbtc.Move<shape=[2,3,4], parts="0 [2,3,4] 0 [12,4,1] 0 [4,8,1]">(X)
}`, "go to another"},
		{"time last", `g (float[3,2,4] X) => (float[3,4,2] Y) {
  Y = sbtc.Move<shape=[3,4,2], parts="0 [3,4,2] 0 [8,2,1] 0 [8,1,4]">(X)
}`, ""},
		{"reversed", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Move<shape=[3,4], parts="0 [3,4] 0 [4,1] 8 [-4,1]">(X)
}`, "go to another"},
		{"shifted", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Move<shape=[3,4], parts="0 [3,3] 1 [4,1] 1 [4,1]; 0 [2,1] 4 [4,1] 3 [4,1]">(X)
}`, "go to another"},
		{"rolled within", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Move<shape=[3,4], parts="0 [3,3] 1 [4,1] 0 [4,1]; 0 [3,1] 0 [4,1] 3 [4,1]">(X)
}`, ""},
		{"the first sample to all", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Move<shape=[3,4], parts="0 [3,4] 0 [4,1] 0 [0,1]">(X)
}`, "go to another"},
		{"mean of samples", `g (float[3,4] X) => (float[3,4] Y) {
  M = sbtc.Reduce<fn="mean", axes=[0]>(X)
  Y = sbtc.Map<expr="sub(x0,x1)">(X, M)
}`, "reduced across samples"},
		{"mean of time", `g (float[3,2,4] X) => (float[3,1,4] Y) {
  Y = sbtc.Reduce<fn="mean", axes=[1]>(X)
}`, ""},
		{"norm of all", `g (float[3,4] X) => (float[3,4] Y) {
  Y = sbtc.Normalize<fn="softmax", axis=0>(X)
}`, "not rows of one sample"},
		{"norm along rows", `g (float[3,4] X) => (float[3,4] Y) {
  P = sbtc.Move<shape=[3,4], panels=1>(X)
  N = sbtc.Normalize<fn="layernorm", axis=0, rows=1>(P)
  Y = sbtc.Move<shape=[3,4]>(N)
}`, "not rows of one sample"},
		{"outer sum", `g (float[3,1] X) => (float[3,3] Y) {
  T = sbtc.Move<shape=[1,3]>(X)
  Y = sbtc.Map<expr="add(x0,x1)">(X, T)
}`, "not read sample by sample"},
		{"a constant for each", `g (float[3,2] X) => (float[3,2] Y) {
  C = Constant<value=float[3,1] {1,2,3}>()
  Y = sbtc.Map<expr="add(x0,x1)">(X, C)
}`, "not read sample by sample"},
		{"the same constant for each", `g (float[3,2] X) => (float[3,2] Y) {
  C = Constant<value=float[3,1] {7,7,7}>()
  Y = sbtc.Map<expr="add(x0,x1)">(X, C)
}`, ""},
		{"products of a sample", `g (float[3,2,4] X) => (float[3,2,2] Y) {
  Y = sbtc.Contract<transB=1>(X, X)
}`, ""},
		{"products of two samples", `g (float[3,4] X) => (float[3,3] Y) {
  Y = sbtc.Contract<transB=1>(X, X)
}`, "hold several samples"},
		{"attention", `g (float[3,2,4] X) => (float[3,2,4] Y) {
  Y = sbtc.Attend(X, X, X)
}`, ""},
		{"attention across samples", `g (float[3,2,4] X) => (float[1,6,4] Y) {
  R = sbtc.Move<shape=[1,6,4]>(X)
  Y = sbtc.Attend(R, R, R)
}`, "no rows of one sample"},
		{"a mask for each", `g (float[3,2,4] X) => (float[3,2,4] Y) {
  M = sbtc.Rand<shape=[3,1,2,2], seed=1>()
  Y = sbtc.Attend(X, X, X, M)
}`, "mask"},
		{"without samples", `g (float[3,4] X) => (float[3,4] Y, float[3] Z) {
  C = sbtc.Rand<shape=[3], seed=1>()
  Y = sbtc.Map<expr="neg(x0)">(X)
  Z = sbtc.Map<expr="neg(x0)">(C)
}`, "the same for every sample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Batched(parse(t, c.body), 3)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("%v, want %q", err, c.fault)
			}
		})
	}
}
