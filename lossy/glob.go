package lossy

import (
	"path"
	"strings"
)

// Match reports whether a name with elements that are separated by slashes fits a pattern: each element of the pattern
// is one of path.Match, and ** stands for any number of elements.
func Match(pattern, name string) bool {
	return name != "" && match(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func match(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		return match(pattern[1:], name) || len(name) > 0 && match(pattern, name[1:])
	}
	if len(name) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return err == nil && ok && match(pattern[1:], name[1:])
}

// CheckPattern reports a pattern that is not well-formed.
func CheckPattern(pattern string) error {
	for e := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(e, ""); err != nil {
			return err
		}
	}
	return nil
}
