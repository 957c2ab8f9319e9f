// SPDX-License-Identifier: MPL-2.0

package access

// As finds, among a system and those that it stands in front of, the first that is a T: what only some systems can
// do is asked for through it. What changes access goes through Put and Delete of the outermost one, which is the
// one that keeps a record.
func As[T any](s System) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		front, ok := s.(interface{ Unwrap() System })
		if !ok {
			break
		}
		s = front.Unwrap()
	}
	var none T
	return none, false
}
