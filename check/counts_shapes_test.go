package check

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// shapes writes models of the paper's sizes with random weights: by name the architecture, form of masks, and dense.
func shapes(t *testing.T, script string) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long")
	}
	dir = t.TempDir()
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(p, "-c", "import onnx, numpy").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("no python3 with onnx and numpy")
	}
	cmd := exec.Command(python, "-B", "-c", "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"+
		"from train.shapes import ARCHITECTURES, FORMS, build, write\nout = Path(sys.argv[1])\n"+script, dir)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// The anomaly models of the paper, however their masks are spelled. The dense figure is that of the model as it was
// read, masks ignored, and the same for the dense twin: for m channels, w steps, d = 2m features and 256 hidden ones it
// is 2·w·m·d + 2·(w·(4·d² + 2·d·256) + 2·w²·d).
func TestCountsOfAnomalyShapes(t *testing.T) {
	dir := shapes(t, `
for name in ["smd", "msl", "smap"]:
    for form in FORMS["step_t"]:
        write(build(ARCHITECTURES[name], form), out / f"{name}-{form}.onnx")
    write(build(replace(ARCHITECTURES[name], dense=True)), out / f"{name}-dense.onnx")
`)
	for _, c := range []struct {
		name                          string
		dense, live, plain, reordered int
	}{
		{"smd", 38_121_600, 14_232_520, 3_603_502, 2_791_138},
		{"msl", 12_177_000, 6_215_330, 1_570_028, 1_150_598},
		{"smap", 4_185_000, 2_001_650, 507_788, 425_138},
	} {
		files, err := filepath.Glob(filepath.Join(dir, c.name+"-*.onnx"))
		if err != nil || len(files) != 7 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			name := filepath.Base(file)
			if name == c.name+"-dense.onnx" {
				if r := inspected(t, file); r.Total.MACsDense != c.dense || r.Paper.BitsSBT != nil {
					t.Errorf("%s: %d multiply-adds dense, want %d", name, r.Total.MACsDense, c.dense)
				}
				continue
			}
			plain, r := inspected(t, file, "reassociate"), inspected(t, file)
			if plain.Total.MACsDense != c.dense || plain.Total.MACsLive != c.live || plain.Total.MACsNonZero != c.plain {
				t.Errorf("%s without reassociation: %+v", name, plain.Total)
			}
			if r.Total.MACsDense != c.dense || r.Total.MACsNonZero != c.reordered {
				t.Errorf("%s: %+v", name, r.Total)
			}
			if p := r.Paper; c.name == "smd" && (p.FlopsDense != 19_513_552 || *p.FlopsSBT != 1_863_484) {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

// The classifiers of the paper. Dense: every product of the model as it was read; the sparse figures count the products
// of layers with weights that are left and of attention with activations that no mask clears.
func TestCountsOfClassifierShapes(t *testing.T) {
	dir := shapes(t, `
for name in ["spokenarabicdigits-k90", "facedetection", "heartbeat-k90", "insectwingbeat-d256", "japanesevowels"]:
    for form in FORMS["activations"] if name == "japanesevowels" else ["add"]:
        write(build(ARCHITECTURES[name], form), out / f"{name}-{form}.onnx")
`)
	for _, c := range []struct {
		name          string
		dense, sparse float64 // millions
	}{
		{"spokenarabicdigits-k90", 11.49, 9.18}, {"facedetection", 19.38, 9.44}, {"heartbeat-k90", 83.44, 53.05},
		{"insectwingbeat-d256", 38.38, 19.02}, {"japanesevowels", 1.31, 0.64},
	} {
		files, err := filepath.Glob(filepath.Join(dir, c.name+"-*.onnx"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			r := inspected(t, file)
			if got := float64(r.Total.MACsDense) / 1e6; got < c.dense-0.006 || got > c.dense+0.006 {
				t.Errorf("%s: %.2f million multiply-adds dense, want %.2f", filepath.Base(file), got, c.dense)
			}
			if got := float64(r.Total.MACsNonZero) / 1e6; got > 1.02*c.sparse || got < 0.9*c.sparse {
				t.Errorf("%s: %.2f million multiply-adds, want at most %.2f", filepath.Base(file), got, c.sparse)
			}
		}
	}
}
