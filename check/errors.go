package check

// A WrongError says that what was compiled computes something else than the model says: a fault of sbtc.
type WrongError struct{ Err error }

func (e *WrongError) Error() string { return e.Err.Error() }

// Unwrap returns where results differ.
func (e *WrongError) Unwrap() error { return e.Err }
