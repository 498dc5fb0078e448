// The TypeScript SDK 1.x over HTTP+SSE and Streamable HTTP.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { bearer, sse } from './settings.mjs';
import { clientInfo, play } from './scenario.mjs';

export const program = '@modelcontextprotocol/sdk';
export const scenario = play;

export const connections = {
  sse: (config, on) => connect(new SSEClientTransport(new URL(sse(config))), on),
  http: (config, on) =>
    connect(new StreamableHTTPClientTransport(new URL(config.url), { requestInit: { headers: bearer(config) } }), on),
};

// connect returns a session over any transport of this SDK.
export async function connect(transport, on = {}) {
  const client = new Client(clientInfo);
  client.onerror = (error) => on.trouble?.(error);
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => on.log?.(params));
  await client.connect(transport);
  const deliver = transport.onmessage;
  transport.onmessage = (message, extra) => {
    on.message?.(message);
    deliver(message, extra);
  };
  return {
    client,
    call: (name, args, { onprogress, signal, meta } = {}) =>
      client.callTool({ name, arguments: args, _meta: meta }, undefined, { onprogress, signal }),
    setLevel: (level) => client.setLoggingLevel(level),
    close: () => client.close(),
  };
}
