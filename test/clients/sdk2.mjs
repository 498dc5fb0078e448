// The TypeScript client 2.x in each negotiation mode over Streamable HTTP, and
// over HTTP+SSE, which has only the older handshake.
import assert from 'node:assert/strict';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { bearer, sse } from './settings.mjs';
import { clientInfo, play } from './scenario.mjs';

export const program = '@modelcontextprotocol/client';
export const scenario = play;

const newest = '2026-07-28';
const transports = {
  http: (config) => new StreamableHTTPClientTransport(new URL(config.url), { requestInit: { headers: bearer(config) } }),
  sse: (config) => new SSEClientTransport(new URL(sse(config))),
};

export const connections = {
  'http legacy': connect('http', 'legacy', 'legacy'),
  'http auto': connect('http', 'auto', 'modern'),
  [`http ${newest}`]: connect('http', { pin: newest }, 'modern'),
  'sse legacy': connect('sse', 'legacy', 'legacy'),
  'sse auto': connect('sse', 'auto', 'legacy'),
};

// What can't be connected, and why.
export const impossible = {
  [`sse ${newest}`]: { open: connect('sse', { pin: newest }), cause: /2026-07-28/ },
};

function connect(transport, mode, era) {
  return async (config, on = {}) => {
    const client = new Client(clientInfo, { versionNegotiation: { mode } });
    client.onerror = (error) => on.trouble?.(error);
    client.setNotificationHandler('notifications/message', ({ params }) => on.log?.(params));
    const wire = transports[transport](config);
    await client.connect(wire);
    const deliver = wire.onmessage;
    wire.onmessage = (message, extra) => {
      on.message?.(message);
      deliver(message, extra);
    };
    const protocol = client.getNegotiatedProtocolVersion();
    assert.equal(client.getProtocolEra(), era, 'protocol era');
    assert.ok(protocol, 'no protocol version was negotiated');
    assert.equal(protocol === newest, era === 'modern', `protocol version ${protocol}`);
    return {
      client,
      protocol,
      call: (name, args, { onprogress, signal, meta } = {}) =>
        client.callTool({ name, arguments: args, _meta: meta }, { onprogress, signal }),
      setLevel: (level) => client.setLoggingLevel(level),
      close: () => client.close(),
    };
  };
}
