// mcp-remote as desktop programs start it: a process that speaks stdio on one
// side and one of the server's transports on the other.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { badKey, bearer, clientInfo, glance, main, run, sse } from './scenario.mjs';

const program = fileURLToPath(new URL('node_modules/mcp-remote/dist/proxy.js', import.meta.url));

const commands = {
  sse: (config, token) => [sse(config, token), '--transport', 'sse-only', '--allow-http'],
  http: (config, token) => [
    config.url, '--transport', 'http-only', '--header', `Authorization: ${bearer(config, token).Authorization}`, '--allow-http',
  ],
};

await main('mcp-remote', async (config, report) => {
  const home = await mkdtemp(join(tmpdir(), 'mcp-remote-'));
  // start returns a transport and what the process writes to its log.
  const start = (args) => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [program, ...args],
      env: { ...process.env, MCP_REMOTE_CONFIG_DIR: home },
      stderr: 'pipe',
    });
    const log = [];
    transport.stderr.on('data', (data) => log.push(data));
    return { transport, log: () => Buffer.concat(log).toString() };
  };
  try {
    for (const [name, command] of Object.entries(commands)) {
      await run(report, name, async () => {
        const { transport, log } = start(command(config, config.token));
        const client = new Client(clientInfo);
        const call = (name, args, onprogress) => client.callTool({ name, arguments: args }, undefined, { onprogress });
        try {
          await client.connect(transport);
          return { server: client.getServerVersion(), ...(await glance(client, call)) };
        } catch (error) {
          throw new Error(`${error.message}; its log: ${log()}`, { cause: error });
        } finally {
          await client.close();
        }
      });
      await run(report, `${name} with a bad key`, async () => {
        const { transport, log } = start(command(config, badKey));
        const client = new Client(clientInfo);
        try {
          await assert.rejects(client.connect(transport, { timeout: 20_000 }), 'a bad key was let in');
          const fatal = log().match(/Fatal error: .*/)?.[0];
          assert.match(fatal ?? log(), /API key/i);
          return { error: fatal };
        } finally {
          await client.close();
        }
      });
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
