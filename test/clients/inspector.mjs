// The MCP Inspector's command line, one process for each call.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { badKey, bearer, glance, main, refusal, run, sse } from './scenario.mjs';

const program = fileURLToPath(
  new URL('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url),
);
const http = (config, token) => [config.url, '--transport', 'http', '--header', `Authorization: ${bearer(config, token).Authorization}`];
const connections = {
  'http legacy': (config, token) => [...http(config, token), '--protocol-era', 'legacy'],
  'http modern': (config, token) => [...http(config, token), '--protocol-era', 'modern'],
  sse: (config, token) => [sse(config, token), '--transport', 'sse'],
};

await main('@modelcontextprotocol/inspector', async (config, report) => {
  const home = await mkdtemp(join(tmpdir(), 'inspector-'));
  // A failed call ends the program with a status, and a tool error comes with one.
  const inspect = async (connection, ...args) => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [program, '--cli', ...connection, '--stored-auth-only', '--format', 'json', ...args],
      { env: { ...process.env, HOME: home }, timeout: 60_000 },
    ).catch((failure) => failure);
    if (!stdout) {
      throw new Error(stderr);
    }
    return JSON.parse(stdout).result;
  };
  try {
    for (const [name, connection] of Object.entries(connections)) {
      await run(report, name, () => {
        const listTools = () => inspect(connection(config), '--method', 'tools/list');
        const call = (tool, args) =>
          inspect(connection(config), '--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args));
        return glance({ listTools }, call);
      });
      const knock = () => inspect(connection(config, badKey), '--method', 'tools/list');
      await run(report, `${name} with a bad key`, () => refusal(knock));
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
