package smtpnotify

// Address is where n connects to.
func (n *Notifier) Address() string { return n.address() }
