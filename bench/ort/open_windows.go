package main

import "syscall"

func open(library string) (uintptr, error) {
	h, err := syscall.LoadLibrary(library)
	return uintptr(h), err
}

func symbol(library uintptr, name string) (uintptr, error) {
	return syscall.GetProcAddress(syscall.Handle(library), name)
}
