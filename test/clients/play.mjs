// Plays the scenario with one client over each of its connections:
//
//   node play.mjs sdk1 '{"url": …, "sseUrl": …, "token": …}'
//
// and prints one JSON object: what was seen, with "error" if it was not right.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { badKey, words } from './scenario.mjs';

const [client, settings] = process.argv.slice(2);
const report = { client, node: process.version, runs: {} };
try {
  const config = JSON.parse(settings ?? '{}');
  for (const name of ['url', 'sseUrl', 'token']) {
    assert.ok(config[name], `usage: node play.mjs CLIENT '{"url": …, "sseUrl": …, "token": …}': ${name} is missing`);
  }
  const { program, scenario, connections, impossible = {} } = await import(`./${client}.mjs`);
  report.client = `${program} ${await version(program)}`;
  for (const [name, open] of Object.entries(connections)) {
    await run(name, async () => {
      const session = await open(config);
      try {
        return { protocol: session.protocol, server: session.client.getServerVersion?.(), ...(await scenario(session)) };
      } finally {
        await session.close();
      }
    });
    // What a client shows of a bad key: the server's sentence, or at least the status.
    await run(`${name} with a bad key`, () => refused(open, { ...config, token: badKey }, /API key|\b401\b/i));
  }
  for (const [name, { open, cause }] of Object.entries(impossible)) {
    await run(name, () => refused(open, config, cause));
  }
} catch (error) {
  report.error = error.message;
  report.stack = error.cause?.stack ?? error.stack;
}
process.stdout.write(JSON.stringify(report, null, 2) + '\n', () => process.exit(report.error ? 1 : 0));

async function run(name, work) {
  const began = performance.now();
  try {
    report.runs[name] = await work();
  } catch (error) {
    throw new Error(`${name}: ${words(error)}`, { cause: error });
  }
  report.runs[name].ms = Math.round(performance.now() - began);
}

// refused connects and returns the words in which the client says that it can't.
async function refused(open, config, cause) {
  let shown;
  try {
    const session = await open(config);
    try {
      await session.client.listTools(); // some connect only now
    } finally {
      await session.close();
    }
  } catch (error) {
    shown = words(error);
  }
  assert.ok(shown, 'it was let in');
  assert.match(shown, cause);
  return { error: shown };
}

async function version(name) {
  const file = await readFile(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8');
  return JSON.parse(file).version;
}
