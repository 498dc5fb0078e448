package subscription

// Allowed is how many of so many customers may be shut out in one go.
var Allowed = allowed
