package storage

// Billing is what a host with billing remembers besides. A [Store] need not have
// it: the host looks for it with [RoleOf], and without it has no billing.
type Billing interface {
	Accounts
	Checkouts
	Notices
	Effects
	Ledger
}

// RoleOf returns the part of s that has an optional role, and whether there is
// one. A Store that wraps another shows it with a method Unwrap() Store. Inside
// [Store].InTx, ask for the role of the Store that the function was given.
func RoleOf[Role any](s Store) (role Role, ok bool) {
	for s != nil {
		if role, ok = s.(Role); ok {
			return role, true
		}
		wrapper, is := s.(interface{ Unwrap() Store })
		if !is {
			break
		}
		s = wrapper.Unwrap()
	}
	return role, false
}
