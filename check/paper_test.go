package check

import (
	"math"
	"strings"
	"testing"
)

// TestPaper holds the counts of the models that the paper evaluates: worked out by hand from the rules of the authors'
// published evaluation (arXiv 2308.04637), whose largest ratios are the 53 and 10.5 of the abstract.
func TestPaper(t *testing.T) {
	const none = -1 // the row repeats the dense model of the row above
	class := func(m, w, d, h, l, classes int, k float64) Paper {
		return Paper{Task: "classification", M: m, W: w, D: d, H: h, FF: 256, L: l, Classes: classes, K: k, PA: 0.5}
	}
	series := func(task string, m, w, d int, k float64) Paper {
		return Paper{Task: task, M: m, W: w, D: d, H: 2, FF: 256, L: 2, K: k}
	}
	for _, c := range []struct {
		name                          string
		p                             Paper
		denseParams, denseBits, dense int
		params, nonzero, bits, flops  int
		size, work                    float64 // ratios, to the digits given
	}{
		{"SpokenArabicDigits .9", class(13, 93, 64, 2, 2, 10, .9), 167_050, 5_345_600, 4_621_412, 100_032, 90_048, 107_968, 3_025_330, 49.5, 1.53},
		{"SpokenArabicDigits .5", class(13, 93, 64, 2, 2, 10, .5), none, none, none, 100_032, 50_144, 107_968, 2_081_028, 49.5, 2.22},
		{"FaceDetection", class(144, 62, 128, 2, 2, 2, .5), 414_850, 13_275_200, 8_276_752, 281_344, 140_928, 297_216, 3_955_600, 44.7, 2.09},
		{"Heartbeat .9", class(61, 405, 64, 2, 2, 2, .9), 169_602, 5_427_264, 52_729_380, 102_592, 92_352, 110_528, 25_585_984, 49.1, 2.06},
		{"Heartbeat .5", class(61, 405, 64, 2, 2, 2, .5), none, none, none, 102_592, 51_424, 110_528, 21_573_572, 49.1, 2.44},
		{"InsectWingbeat 256", class(200, 30, 256, 8, 3, 10, .5), 1_503_498, 48_111_936, 19_765_344, 1_234_944, 618_240, 1_282_560, 9_797_472, 37.5, 2.02},
		{"InsectWingbeat 512", class(200, 30, 512, 8, 3, 10, .5), 4_579_082, 146_530_624, 75_291_744, 4_042_752, 2_022_912, 4_137_984, 37_464_672, 35.4, 2.01},
		{"JapaneseVowels", class(12, 29, 32, 2, 2, 9, .5), 75_529, 2_416_928, 326_532, 41_760, 20_944, 45_728, 156_148, 52.9, 2.09},
		{"SMD", series("anomaly", 38, 200, 76, .25), 132_794, 4_249_408, 19_513_552, 129_808, 32_452, 129_808, 1_863_484, 32.7, 10.47},
		{"MSL", series("anomaly", 55, 50, 110, .25), 223_717, 7_158_944, 4_949_440, 221_540, 55_384, 221_540, 982_994, 32.3, 5.04},
		{"SMAP", series("anomaly", 25, 50, 50, .25), 75_187, 2_405_984, 1_346_200, 73_700, 18_424, 73_700, 219_674, 32.6, 6.13},
		{"ECL 350", series("forecast", 321, 200, 350, .5), 1_569_383, 50_220_256, 204_758_100, 1_563_900, 781_950, 1_563_900, 74_543_450, 32.1, 2.75},
		{"ECL 512", series("forecast", 321, 200, 512, .5), 2_958_209, 94_662_688, 399_156_480, 2_950_944, 1_475_472, 2_950_944, 158_895_392, 32.1, 2.51},
		{"WTH", series("forecast", 12, 200, 100, .5), 188_024, 6_016_768, 28_504_800, 185_600, 92_800, 185_600, 6_242_800, 32.4, 4.57},
		{"ETTm1", series("forecast", 7, 200, 64, .5), 102_023, 3_264_736, 15_530_624, 100_000, 50_000, 100_000, 2_610_656, 32.6, 5.95},
	} {
		got := c.p.Counts()
		for _, f := range []struct {
			name      string
			got, want int
		}{
			{"params_dense", got.ParamsDense, c.denseParams}, {"bits_dense", got.BitsDense, c.denseBits},
			{"flops_dense", got.FlopsDense, c.dense}, {"params_sbt", *got.ParamsSBT, c.params},
			{"nonzero_sbt", *got.NonZeroSBT, c.nonzero}, {"bits_sbt", *got.BitsSBT, c.bits}, {"flops_sbt", *got.FlopsSBT, c.flops},
		} {
			if f.want != none && f.got != f.want {
				t.Errorf("%s: %s is %d, want %d", c.name, f.name, f.got, f.want)
			}
		}
		if r := float64(got.BitsDense) / float64(*got.BitsSBT); math.Abs(r-c.size) > 0.05 {
			t.Errorf("%s: %.2f times smaller, want %.1f", c.name, r, c.size)
		}
		if r := float64(got.FlopsDense) / float64(*got.FlopsSBT); math.Abs(r-c.work) > 0.005 {
			t.Errorf("%s: %.3f times less work, want %.2f", c.name, r, c.work)
		}
	}
}

func TestPaperSettings(t *testing.T) {
	meta := func(changes ...string) map[string]string {
		m := map[string]string{"sbt.task": "anomaly", "sbt.m": "3", "sbt.w": "5", "sbt.d": "6", "sbt.h": "2", "sbt.ff": "8", "sbt.L": "1", "sbt.k": "0.5"}
		for i := 0; i < len(changes); i += 2 {
			m[changes[i]] = changes[i+1]
		}
		return m
	}
	if p, err := paperOf(map[string]string{"other": "1"}); p != nil || err != nil {
		t.Errorf("without settings: %v, %v", p, err)
	}
	if p, err := paperOf(meta()); err != nil || *p != (Paper{"anomaly", 3, 5, 6, 2, 8, 1, 0, 0.5, 0}) {
		t.Errorf("%v, %v", p, err)
	}
	dense := meta()
	delete(dense, "sbt.k")
	if p, err := paperOf(dense); err != nil || p.Counts().BitsSBT != nil || p.Counts().FlopsDense == 0 {
		t.Errorf("a dense model: %v, %v", p, err)
	}
	for _, c := range [][]string{
		{"sbt.task", "clustering"}, {"sbt.m", "0"}, {"sbt.w", "99999999999"}, {"sbt.d", "7"}, {"sbt.ff", ""}, {"sbt.k", "NaN"},
		{"sbt.k", "1.5"}, {"sbt.task", "classification"},
	} {
		if _, err := paperOf(meta(c...)); err == nil || !strings.Contains(err.Error(), "sbt.") {
			t.Errorf("%v: error %v", c, err)
		}
	}
}
