package check

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// A SkipList names cases that are known to fail, with the reason.
type SkipList map[skipKey]string

type skipKey struct{ name, executor string }

// ReadSkipList reads lines "case<TAB>executor|*<TAB>reason"; empty lines and those that begin with # say nothing.
func ReadSkipList(path string) (SkipList, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list := SkipList{}
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		part := strings.SplitN(line, "\t", 3)
		if len(part) != 3 || part[0] == "" || part[2] == "" {
			return nil, fmt.Errorf("%s:%d: want case<TAB>executor or *<TAB>reason", path, n)
		}
		if part[1] != "*" && !Executor(part[1]).valid() {
			return nil, fmt.Errorf("%s:%d: unknown executor %q; there are %s and *", path, n, part[1], executorNames())
		}
		key := skipKey{part[0], part[1]}
		if _, ok := list[key]; ok {
			return nil, fmt.Errorf("%s:%d: case %s is listed twice", path, n, part[0])
		}
		list[key] = part[2]
	}
	return list, s.Err()
}

// reason returns why the case is listed for the executor, "" if it is not.
func (l SkipList) reason(name string, e Executor) string {
	if r, ok := l[skipKey{name, string(e)}]; ok {
		return r
	}
	return l[skipKey{name, "*"}]
}
