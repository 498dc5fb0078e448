// The TypeScript client 2.x in each negotiation mode over Streamable HTTP, and
// over HTTP+SSE, which has only the older handshake.
import assert from 'node:assert/strict';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { badKey, bearer, clientInfo, main, play, refusal, run, sse } from './scenario.mjs';

const transports = {
  http: (config, token) =>
    new StreamableHTTPClientTransport(new URL(config.url), { requestInit: { headers: bearer(config, token) } }),
  sse: (config, token) => new SSEClientTransport(new URL(sse(config, token))),
};
const newest = '2026-07-28';
const modes = [
  { transport: 'http', mode: 'legacy', era: 'legacy' },
  { transport: 'http', mode: 'auto', era: 'modern' },
  { transport: 'http', mode: { pin: newest }, era: 'modern' },
  { transport: 'sse', mode: 'legacy', era: 'legacy' },
  { transport: 'sse', mode: 'auto', era: 'legacy' },
];

await main('@modelcontextprotocol/client', async (config, report) => {
  for (const { transport, mode, era } of modes) {
    const name = `${transport} ${mode.pin ?? mode}`;
    const connect = async (token) => {
      const client = new Client(clientInfo, { versionNegotiation: { mode } });
      await client.connect(transports[transport](config, token));
      return client;
    };
    await run(report, name, async () => {
      const client = await connect();
      const call = (name, args, onprogress) => client.callTool({ name, arguments: args }, { onprogress });
      try {
        assert.equal(client.getProtocolEra(), era, 'protocol era');
        const protocol = client.getNegotiatedProtocolVersion();
        assert.ok(protocol, 'no protocol version was negotiated');
        if (era === 'modern') {
          assert.equal(protocol, newest, 'protocol version');
        }
        return { protocol, server: client.getServerVersion(), ...(await play(client, call, config)) };
      } finally {
        await client.close();
      }
    });
    await run(report, `${name} with a bad key`, () => refusal(() => connect(badKey)));
  }
});
