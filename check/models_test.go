package check

import (
	"path/filepath"
	"testing"
)

// Every model of the repository gives its recorded outputs, interpreted and compiled.
func TestVerifyModels(t *testing.T) {
	cases, err := ReadSuite(filepath.Join("..", "testdata", "models"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			r, err := Verify{Model: c.Dir, Seed: 1, Trials: 1}.Run()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			recorded := 0
			for _, f := range r.Checks {
				if f.Check == againstRecorded {
					recorded++
				}
			}
			if recorded == 0 {
				t.Error("nothing was compared with recorded data")
			}
		})
	}
}
