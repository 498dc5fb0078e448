// The TypeScript SDK 1.x over HTTP+SSE and Streamable HTTP.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { bearer, badKey, clientInfo, main, play, refusal, run, sse } from './scenario.mjs';

const transports = {
  sse: (config, token) => new SSEClientTransport(new URL(sse(config, token))),
  http: (config, token) =>
    new StreamableHTTPClientTransport(new URL(config.url), { requestInit: { headers: bearer(config, token) } }),
};

await main('@modelcontextprotocol/sdk', async (config, report) => {
  for (const [name, transport] of Object.entries(transports)) {
    await run(report, name, async () => {
      const client = new Client(clientInfo);
      const call = (name, args, onprogress) => client.callTool({ name, arguments: args }, undefined, { onprogress });
      await client.connect(transport(config));
      try {
        return { server: client.getServerVersion(), ...(await play(client, call, config)) };
      } finally {
        await client.close();
      }
    });
    const knock = () => new Client(clientInfo).connect(transport(config, badKey));
    await run(report, `${name} with a bad key`, () => refusal(knock));
  }
});
