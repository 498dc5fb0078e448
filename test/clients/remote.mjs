// mcp-remote as desktop programs start it: a process that speaks stdio on one
// side and one of the server's transports on the other.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { connect } from './sdk1.mjs';
import { header, sse } from './settings.mjs';
import { glance } from './scenario.mjs';

export const program = 'mcp-remote';
export const scenario = glance;

const path = fileURLToPath(new URL('node_modules/mcp-remote/dist/proxy.js', import.meta.url));

export const connections = {
  sse: start((config) => [sse(config), '--transport', 'sse-only']),
  http: start((config) => [config.url, '--transport', 'http-only', ...header(config)]),
  'http auto': start((config) => [config.url, '--transport', 'http-only', '--protocol', 'auto', ...header(config)]),
};

function start(args) {
  return async (config, on) => {
    const home = await mkdtemp(join(tmpdir(), 'mcp-remote-'));
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [path, ...args(config), '--allow-http'],
      env: { ...process.env, MCP_REMOTE_CONFIG_DIR: home },
      stderr: 'pipe',
    });
    let log = '';
    transport.stderr.on('data', (data) => (log += data));
    try {
      const session = await connect(transport, on);
      const close = async () => {
        await session.close();
        await rm(home, { recursive: true, force: true });
      };
      return { ...session, close };
    } catch (error) {
      await transport.close();
      await rm(home, { recursive: true, force: true });
      throw new Error(log.match(/Fatal error: .*/)?.[0] ?? `${error.message}; its log: ${log}`, { cause: error });
    }
  };
}
