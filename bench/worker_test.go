package bench

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sbtc-go/sbtc/bench/timer"
)

// fakeVar makes the test binary a worker.
const fakeVar = "SBTC_BENCH_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(fakeVar) != "" {
		timer.Serve(&fake{})
		return
	}
	os.Exit(m.Run())
}

// fake counts its calls, each of which takes a millisecond and makes two allocations.
type fake struct {
	calls byte
	keep  [2]*[64]byte
}

func (f *fake) Open(j timer.Job) (timer.About, error) {
	switch j.Model {
	case "bad":
		return timer.About{}, errors.New("a bad model")
	case "panic":
		panic("at the disco")
	case "exit":
		println("last words")
		os.Exit(3)
	}
	return timer.About{Version: "v" + j.Model, Path: os.Getenv("SBTC_CPU")}, nil
}

func (f *fake) Run() error {
	f.calls++
	f.keep = [2]*[64]byte{new([64]byte), new([64]byte)}
	time.Sleep(time.Millisecond)
	return nil
}

func (f *fake) Outputs() ([][]byte, error) { return [][]byte{{f.calls}}, nil }

func startFake(t *testing.T) *worker {
	t.Setenv("SBTC_CPU", "purego") // must not reach the worker
	w, err := start(os.Args[0], fakeVar+"=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

func TestProtocol(t *testing.T) {
	w := startFake(t)
	ask := func(q timer.Request) timer.Reply {
		t.Helper()
		r, err := w.ask(q)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask(timer.Request{Open: &timer.Job{Model: "7"}}); r.About != (timer.About{Version: "v7"}) {
		t.Errorf("about %+v", r.About)
	}
	r := ask(timer.Request{Warm: 2, Calls: 3})
	if len(r.Times) != 1 || r.Times[0] < 1e6 {
		t.Errorf("times of three calls of 1 ms: %v", r.Times)
	}
	if r := ask(timer.Request{Outputs: true}); !slices.Equal(r.Outputs[0], []byte{6}) {
		t.Errorf("%v calls, want 2 + 3 + 1", r.Outputs)
	}
	if r := ask(timer.Request{Cold: 2}); len(r.Times) != 2 || r.Times[0] < 1e6 {
		t.Errorf("cold times %v", r.Times)
	}
	if r := ask(timer.Request{Allocs: 10}); r.Allocs != 2 {
		t.Errorf("%v allocations in a call, want 2", r.Allocs)
	}
}

func TestProtocolErrors(t *testing.T) {
	w := startFake(t)
	for model, want := range map[string]string{"bad": "a bad model", "panic": "at the disco"} {
		if _, err := w.ask(timer.Request{Open: &timer.Job{Model: model}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", model, err)
		}
	}
	if _, err := w.ask(timer.Request{}); err == nil {
		t.Error("an empty request is answered")
	}
	if _, err := w.ask(timer.Request{Open: &timer.Job{Model: "exit"}}); err == nil || !strings.Contains(err.Error(), "the process ended") {
		t.Error(err)
	}
}

// Rounds begin with another one each time, and slow ones are left out of most.
func TestPlay(t *testing.T) {
	var all []*contestant
	for _, every := range []int{1, 3} {
		all = append(all, &contestant{worker: startFake(t), calls: 1, every: every})
	}
	rounds := 0
	if err := play(all, 4, func() { rounds++ }); err != nil {
		t.Fatal(err)
	}
	if rounds != 4 || len(turnsOf(all[0].times)) != 4 || len(turnsOf(all[1].times)) != 2 || len(all[1].times) != 4 {
		t.Errorf("%d rounds, times %v and %v", rounds, all[0].times, all[1].times)
	}
	if n := len(ratios(all[0].times, all[1].times)); n != 2 {
		t.Errorf("%d pairs", n)
	}
}
