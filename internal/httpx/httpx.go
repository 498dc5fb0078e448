// Package httpx has what every HTTP face needs and no business knows of:
// middleware, one form for errors, strict JSON, and who is really calling.
//
//	handler = httpx.RequestID(httpx.AccessLog(log)(httpx.SecurityHeaders(hsts)(httpx.Recover(log)(handler))))
package httpx

// clip shortens what a client sent to what is worth repeating.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
