// The MCP Inspector's command line with connections that last: a daemon holds
// them, and each command is a process that talks to it.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { header, sse } from './settings.mjs';
import { glance } from './scenario.mjs';

export const program = '@modelcontextprotocol/inspector';
export const scenario = glance;

export const connections = {
  'http legacy': connect((config) => [config.url, ...header(config), '--era', 'legacy']),
  'http modern': connect((config) => [config.url, ...header(config), '--era', 'modern']),
  sse: connect((config) => [sse(config), '--transport', 'sse']),
};

const path = (file) =>
  fileURLToPath(new URL(`node_modules/@modelcontextprotocol/inspector/clients/mcpdo/build/${file}`, import.meta.url));

// Each connection has a daemon of its own, because the address is its name.
function connect(target) {
  return async (config) => {
    const home = await mkdtemp(join(tmpdir(), 'mcpdo-'));
    const env = {
      ...process.env,
      HOME: home,
      MCP_INSPECTOR_DAEMON_DIR: join(home, 'daemon'),
      MCP_INSPECTOR_DAEMON_TOKEN: crypto.randomUUID(),
      MCP_INSPECTOR_SECRET_STORE: 'file',
    };
    const daemon = spawn(process.execPath, [path('mcpdod.js')], { env, stdio: 'ignore' });
    const close = async () => {
      daemon.kill();
      await rm(home, { recursive: true, force: true });
    };
    const run = async (args, signal) => {
      const { stdout, stderr, message } = await promisify(execFile)(
        process.execPath,
        [path('mcp-bin.js'), '--format', 'json', '--stored-auth-only', ...args],
        { env, timeout: 60_000, signal, killSignal: 'SIGINT' },
      ).catch((failure) => failure);
      if (!stdout) {
        throw new Error(stderr?.replace(/^\[mcp-inspector\].*\n/gm, '') || message);
      }
      return JSON.parse(stdout);
    };
    try {
      const { name, protocolEra } = await run(['connect', ...target(config)]);
      const use = (args, signal) => run(['--connection', name, ...args], signal);
      return {
        client: { listTools: () => use(['tools/list']) },
        protocol: protocolEra,
        call: (tool, args, { signal } = {}) => use(['tools/call', tool, '--tool-args-json', JSON.stringify(args)], signal),
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  };
}
