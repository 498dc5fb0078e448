// The MCP Inspector's command line, one process for each call.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { header, sse } from './settings.mjs';
import { glance } from './scenario.mjs';

export const program = '@modelcontextprotocol/inspector';
export const scenario = glance;

const path = fileURLToPath(
  new URL('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url),
);
const http = (config) => [config.url, '--transport', 'http', ...header(config)];

export const connections = {
  'http legacy': inspect((config) => [...http(config), '--protocol-era', 'legacy']),
  'http modern': inspect((config) => [...http(config), '--protocol-era', 'modern']),
  sse: inspect((config) => [sse(config), '--transport', 'sse']),
};

function inspect(target) {
  return async (config) => {
    const home = await mkdtemp(join(tmpdir(), 'inspector-'));
    // A failed call ends the program with a status, and a tool error comes with one.
    const run = async (args, signal) => {
      const { stdout, stderr, message } = await promisify(execFile)(
        process.execPath,
        [path, '--cli', ...target(config), '--stored-auth-only', '--format', 'json', ...args],
        { env: { ...process.env, HOME: home }, timeout: 60_000, signal, killSignal: 'SIGINT' },
      ).catch((failure) => failure);
      if (!stdout) {
        throw new Error(stderr || message);
      }
      return JSON.parse(stdout).result;
    };
    return {
      client: { listTools: () => run(['--method', 'tools/list']) },
      call: (tool, args, { signal } = {}) =>
        run(['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)], signal),
      close: () => rm(home, { recursive: true, force: true }),
    };
  };
}
