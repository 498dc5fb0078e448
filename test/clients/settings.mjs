// Where the server is, and how a client shows its key:
//
//   {"url": "http://host/mcp", "sseUrl": "http://host/mcp/sse", "token": "hcmo_live_…"}

// sse returns the address of the HTTP+SSE transport, which carries the key.
export function sse(config) {
  return `${config.sseUrl}?token=${encodeURIComponent(config.token)}`;
}

export function bearer(config) {
  return { Authorization: `Bearer ${config.token}` };
}

// header is bearer for a command line.
export function header(config) {
  return ['--header', `Authorization: Bearer ${config.token}`];
}
