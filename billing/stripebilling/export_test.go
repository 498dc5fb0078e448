package stripebilling

// What tests of the border need from inside.
var (
	ParseSignature = parseSignature
	ParseEvent     = parseEvent
	RetryAfter     = retryAfter
	Resource       = resource
	EventTypes     = eventTypes
)
